"""`MLPClassifierCV`."""

from __future__ import annotations

from typing import Any, ClassVar, final

from sklearn.base import ClassifierMixin

from regnet.estimators import MLPClassifier
from regnet.selection.base import BaseCV

__all__ = ["MLPClassifierCV"]


@final
class MLPClassifierCV(ClassifierMixin, BaseCV):  # type: ignore[misc]  # scikit-learn has no types
    """A network for classes whose penalty's strength is chosen by cross-validation, as `cv.glmnet` does it.

    Networks for every strength, fold and restart are trained as stacks; the strength is the best one, or the
    strongest whose held-out score is within one standard error of the best; the network at that strength is
    refitted on all rows.

    hidden_layer_sizes, activation, class_weight, shuffle, dropout, initializer: as in `MLPClassifier`, but one
    hidden layer of 16: a selection needs few neurons. () is a linear model, glmnet's case.

    penalty: what the strength lambda multiplies, beside the mean data loss. 'input_l1' (group lasso on the inputs:
    used or not), 'neuron_l1' (on hidden neurons), 'weight_l1', 'weight_l2', or 'alpha' (scikit-learn's own).
    l1_ratio: below 1 the rest is an L2 on the same weights, as in ElasticNet. companion_l2: L2 on the layers
    without groups, in units of lambda; with 0, weights escape from the penalised layer into the others (ReLU is
    homogeneous).

    lambdas: strengths, or None for n_lambdas in geometric steps up to where nothing is left. warm_start: from weak
    to strong, each network from the solution before; False: all strengths at once, from the first weights that
    `MLPClassifier` would draw with the same random_state, batches too. adaptive: a second path whose strengths are
    divided by the norm that an input's weights had in a pilot (the first path at its best strength; each fold has
    its own), which drops inputs that plain selection keeps. 'auto': for input_l1 on networks with a hidden layer.
    relax: refit every selection from new weights without the penalty that found it, and choose by those scores;
    restarts stay those that the penalised objective chose.

    cv: a number of folds (None: 5), which random_state draws (StratifiedKFold with shuffle=True), as `cv.glmnet` draws
    them; `GridSearchCV(cv=5)` takes the rows in their order. Or any splitter of scikit-learn, which is taken as it is
    (a warning says if it does not shuffle rows that are sorted by y); `fit` takes groups.

    restarts: networks from different first weights; at each strength the one with the smallest penalised training
    objective stands for its fold, as for the refit. Folds count by the weight of their held-out rows, and splits that
    repeat rows do not narrow the standard error, as `regnet.selection.rule.choose` has it. scoring: a name or scorer of
    scikit-learn, which must take the sample_weight that `fit` is given; None: what is minimised, neg_log_loss of
    held-out rows with the class weights of their fold's training rows (a name means what it says: sample_weight alone).
    select: '1se' or 'min'. refit: whether to have a network on all rows, which predicts.

    standardize: centre and scale the inputs by each fold's training rows. preprocessor: a transformer or Pipeline that
    is fitted in each fold before that.

    solver: 'auto' is 'adam', and for linear models 'newton' (exact, on the host, from strong to weak; 'fista' on a
    GPU and for more than 1,000 weights under an L2 alone, 'adam' for losses without second derivatives); or 'sgd' or
    an optimizer object. Of linear models restarts are all the same. learning_rate_init: None is 3e-3 (cold: 1e-3).
    batch_size: 'auto' is all rows up to 2048, else 256 or a 200th part of them (cold: 200). max_iter: epochs at each
    strength; None: 200 steps (cold: 200 epochs). tol: of 'newton' and 'fista'; None: 1e-8 (float32: 1e-5).

    memory_limit: bytes for the networks that are trained together; None: half of what is free. n_jobs: processes
    that train, as scikit-learn counts them (without numba they use the processors better than one process does);
    or executor: a `concurrent.futures` executor, such as Dask's `Client.get_executor()`, whose workers train.
    sweep_dir: a folder in which every trained network is noted, so that a sweep that was killed goes on where it
    stopped. None of these four changes a number. verbose: show progress.

    random_state: first weights, batches, and folds unless cv is a splitter. An integer gives the same ones at every
    `fit`; None and a RandomState give new ones, so that searches differ in their folds too.

    Fitted attributes: lambdas_ (ascending), cv_scores_ (n_lambdas, n_folds, n_restarts; higher is better, NaN where a
    network diverged), chosen_restarts_ (n_lambdas, n_folds: whose scores count), fold_weights_ (n_folds; sum 1),
    n_repeats_ (how often a row is held out), score_mean_ and score_se_ (over folds), lambda_min_, lambda_1se_, lambda_
    (the chosen one), best_index_ and best_score_ (its number and mean score), rival_ and margin_ (what is nearest to
    being chosen instead, how many standard errors away), near_tie_ (whether rounding reaches it), kernels_ (what
    computed), n_selected_ (inputs used at each strength), zeros_ (share of weights that are 0), input_norms_
    (n_lambdas, n_features), n_splits_, n_diverged_; after adaptive paths pilot_scores_ (n_lambdas, n_folds) and
    adaptive_factors_; with refit best_estimator_ (`MLPClassifier`, in the units of X), selected_features_, and path_ (a
    `PathResult` on all rows) if warm_start. classes_.

    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> found = MLPClassifierCV(n_lambdas=20, random_state=0).fit(X, y)
    >>> found.lambda_1se_ >= found.lambda_min_, round(found.score(X, y), 1)
    (True, 1.0)
    """

    _classifier = True
    score = BaseCV.score  # the mixin's would compare arrays of another library as they are
    _template_class = MLPClassifier
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseCV._parameter_constraints,
        "class_weight": MLPClassifier._parameter_constraints["class_weight"],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (16,),
        activation: Any = "relu",
        *,
        penalty: str = "input_l1",
        lambdas: Any = None,
        n_lambdas: int = 50,
        cv: Any = 5,
        restarts: int = 1,
        scoring: Any = None,
        select: str = "1se",
        adaptive: Any = "auto",
        relax: bool = False,
        refit: bool = True,
        l1_ratio: float = 1.0,
        companion_l2: float = 1.0,
        warm_start: bool = True,
        standardize: bool = True,
        preprocessor: Any = None,
        solver: Any = "auto",
        learning_rate_init: float | None = None,
        batch_size: Any = "auto",
        max_iter: int | None = None,
        tol: float | None = None,
        shuffle: bool = True,
        dropout: float = 0.0,
        initializer: Any = None,
        class_weight: Any = None,
        memory_limit: int | None = None,
        n_jobs: int | None = None,
        executor: Any = None,
        sweep_dir: Any = None,
        random_state: Any = None,
        verbose: Any = False,
    ) -> None:
        """See the class."""
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.penalty = penalty
        self.lambdas = lambdas
        self.n_lambdas = n_lambdas
        self.cv = cv
        self.restarts = restarts
        self.scoring = scoring
        self.select = select
        self.adaptive = adaptive
        self.relax = relax
        self.refit = refit
        self.l1_ratio = l1_ratio
        self.companion_l2 = companion_l2
        self.warm_start = warm_start
        self.standardize = standardize
        self.preprocessor = preprocessor
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.dropout = dropout
        self.initializer = initializer
        self.class_weight = class_weight
        self.memory_limit = memory_limit
        self.n_jobs = n_jobs
        self.executor = executor
        self.sweep_dir = sweep_dir
        self.random_state = random_state
        self.verbose = verbose
