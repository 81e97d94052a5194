"""Native code: from the calls of a program to loops that numba compiles.

In the order in which a program goes through them: `division` tells calls that native code can make from those that
NumPy keeps; `statements` chooses for a call what it becomes, `elements` the expression for a function of single
elements, on `operands` that lie in `places`; `loops`, `reductions`, `products` and `indexing` write the text of
statements; `kernels` makes one function of those in a row; `machine`, with the `exponentials`, is what the text is
made of, and where numba comes in; `replay` runs it all, once or many times in a row.
"""
