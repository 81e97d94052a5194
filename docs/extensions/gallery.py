"""The examples in the gallery: their order, and what they get on their command lines to be quick and draw elsewhere."""

import os
import pathlib

PICTURES = pathlib.Path(__file__).parents[1] / "_build" / "pictures"


class Arguments:
    """The arguments of an example; one that is not named here runs as it is."""

    def __repr__(self):
        return "Arguments"  # the same in each build, or Sphinx would build everything anew

    def __call__(self, configuration, script):
        PICTURES.mkdir(parents=True, exist_ok=True)
        example = pathlib.Path(script["src_file"])
        pictures = os.path.relpath(PICTURES, example.parent)  # the example is run where it is
        given = {
            "digits": ["4", pictures],
            "fit_physics": ["100", pictures],
            "gaussian_process": ["0", pictures],
            "hidden_layer": ["20001"],
            "lotka_volterra": ["30", pictures],
            "many_networks": ["600", pictures],
            "own_operation": ["1500", pictures],
            "spiral": ["100", pictures],
            "to_production": ["20", pictures],
        }
        return given.get(example.stem, [])


arguments = Arguments()


class Order:
    """From the first to the largest."""

    FIRST = (
        *("tutorial", "hidden_layer", "spiral", "many_networks", "digits", "own_operation", "fit_physics"),
        *("iris_pipeline", "to_production", "gaussian_process", "lotka_volterra"),
        "char_transformer",
    )

    def __init__(self, folder):
        pass

    def __call__(self, name):
        return self.FIRST.index(pathlib.Path(name).stem)
