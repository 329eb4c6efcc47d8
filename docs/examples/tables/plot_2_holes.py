"""Missing values, and a column that says where
===============================================

Four in ten values of an input are missing, and they are missing where it is large. The encoder puts the training rows'
median there, and a further input that says where that was; both are one group.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from regnet import MLPRegressorCV, TableEncoder

rng = np.random.default_rng(0)
table = pd.DataFrame(rng.standard_normal((600, 6)), columns=list("abcdef"))
y = table["a"] + table["b"] + 0.5 * rng.standard_normal(600)
table.loc[table["a"] > 0.25, "a"] = np.nan

search = MLPRegressorCV(
    hidden_layer_sizes=(), preprocessor=TableEncoder(missing="impute"), n_lambdas=20, random_state=0
).fit(table[:300], y[:300])
print("columns used:", *search.get_feature_names_out())
print("inputs of the model:", *search.input_names_[search.selected_features_])
print(f"R2 {search.score(table[300:], y[300:]):.2f} on new rows")

# %%
# Rows whose value is missing (orange) are predicted as well as the others on average, since the further input has a
# weight of its own; only their spread is larger, because what was missing is not known.

predicted, missing = search.predict(table[300:]), table["a"][300:].isna()
figure, axis = plt.subplots(figsize=(5, 5), layout="constrained")
axis.scatter(predicted[~missing], y[300:][~missing], s=12, color="#0072b2", label="a is known")
axis.scatter(predicted[missing], y[300:][missing], s=12, color="#d55e00", label="a is missing")
axis.axline((0, 0), slope=1, color="k", linewidth=0.8)
axis.set(xlabel="predicted", ylabel="true")
axis.legend()
