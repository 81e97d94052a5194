"""Native code: from the calls of a program to loops that LLVM compiles.

In the order in which a program goes through them: `division` tells calls that native code can make from those that
NumPy keeps; `statements` chooses for a call what it becomes, `elements` the expression for a function of single
elements, on `operands` that lie in `places`; `loops`, `reductions`, `products` and `indexing` write the text of
statements, as Python; `kernels` makes one function of those in a row; `translation` turns the text, and that of the
`curves` it calls, into LLVM's assembly, `machine` that into native code, which the `store` keeps on disk and whose
large loops `threads` share; `replay` runs it all, once or many times in a row.
"""
