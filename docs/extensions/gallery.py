"""What the gallery gives to the examples on their command lines, so that they are quick there and draw elsewhere."""

import pathlib

PICTURES = pathlib.Path(__file__).parents[1] / "_build" / "pictures"


class Arguments:
    """The arguments of an example; one that is not named here runs as it is."""

    def __repr__(self):
        return "Arguments"  # the same in each build, or Sphinx would build everything anew

    def __call__(self, configuration, script):
        PICTURES.mkdir(parents=True, exist_ok=True)
        name = pathlib.Path(script["src_file"]).stem
        given = {
            "char_transformer": ["1", "32"],
            "digits": ["4", PICTURES],
            "hidden_layer": ["20001"],
            "spiral": ["100", PICTURES],
        }
        return [str(argument) for argument in given.get(name, [])]


arguments = Arguments()
