"""Irises in a pipeline
====================

Three species of iris, told apart by the lengths and widths of their leaves: a table of pandas, a pipeline of
scikit-learn whose last step is a network, and a search for its learning rate.

Run it: python examples/iris_pipeline.py [epochs] [folder for the plot]
"""

import pathlib
import sys

import numpy as np
from sklearn.datasets import load_iris
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from minigrad import nn
from minigrad.sklearn import NetworkClassifier

# %%
# The data: a frame with four columns, and the names of the species. A quarter is kept for the end.

flowers = load_iris(as_frame=True)
species = flowers.target_names[flowers.target]
train, test, train_species, test_species = train_test_split(
    flowers.data, species, test_size=0.25, stratify=species, random_state=0
)

# %%
# The network: a function makes it for the numbers of inputs and classes that the data have.


def network(inputs, classes, rng):
    """Two layers, and dropout between them."""
    return nn.Sequential(
        nn.Linear(inputs, 16, rng=rng), nn.Tanh(), nn.Dropout(0.1, rng=rng), nn.Linear(16, classes, rng=rng)
    )


def search(epochs):
    """The pipeline with the best learning rate of three, by cross-validation."""
    steps = make_pipeline(StandardScaler(), NetworkClassifier(network, epochs=epochs, batch_size=16, random_state=0))
    return GridSearchCV(steps, {"networkclassifier__learning_rate": [0.0001, 0.001, 0.01]}, cv=3)


def main(epochs=60, folder="."):
    found = search(epochs).fit(train, train_species)
    for parameters, score in zip(found.cv_results_["params"], found.cv_results_["mean_test_score"], strict=True):
        print(
            f"learning rate {parameters['networkclassifier__learning_rate']:<7} {score:.3f} right by cross-validation"
        )
    score = found.score(test, test_species)
    print(f"of the flowers kept aside, {score:.0%} are told apart; a row for each species, a column for each guess:")
    print(confusion_matrix(test_species, found.predict(test)))
    plot(found.best_estimator_, folder)
    return score


# %%
# What the network has learned, by two of the columns: where it is sure, and where two species meet.


def plot(model, folder):
    try:
        from matplotlib import pyplot
    except ImportError:
        print("for the picture, install Matplotlib: python -m pip install matplotlib")
        return
    figure, panel = pyplot.subplots(figsize=(5.6, 4.2))
    length, width = flowers.data.columns[2:]
    grid = flowers.data.mean().to_frame().T.loc[np.zeros(120 * 120, int)].reset_index(drop=True)
    x, y = np.meshgrid(np.linspace(0.5, 7.5, 120), np.linspace(0, 2.8, 120))
    grid[length], grid[width] = x.ravel(), y.ravel()
    sure = model.predict_proba(grid).max(axis=1).reshape(x.shape)
    panel.contourf(x, y, sure, levels=np.linspace(0.3, 1, 15), cmap="Greys", alpha=0.6)
    for name in flowers.target_names:
        chosen = species == name
        panel.plot(flowers.data[length][chosen], flowers.data[width][chosen], "o", ms=4, label=name)
    panel.set(xlabel=length, ylabel=width)
    panel.legend()
    figure.savefig(pathlib.Path(folder) / "iris_pipeline.png", dpi=150)


if __name__ == "__main__":
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    main(epochs, *sys.argv[2:3])
