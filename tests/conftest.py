"""What every test file shares."""

import jax  # noqa: F401  # imported first, so that commands run in this process leave its settings alone
import matplotlib

matplotlib.use("Agg")
