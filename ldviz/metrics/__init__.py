"""How strong an attack is, and how far to trust the number.

==================  ==========================================================
``roc``             exact ROC curves, AUC, ASR and TPR at a small FPR, with ties
``measured``        a number with its interval, sample counts and origin
``strata``          quartiles, random groups, halves that keep the class balance
``resampling``      stratified bootstrap resamples
``success_rate``    the interval of an ASR, a maximum over thresholds
``detection_rate``  the interval of a TPR at a fixed FPR
``intervals``       95 % intervals of all metrics and of paired differences
``independent``     differences between numbers from different samples
``timestep``        the timestep chosen on one half and scored on the other
``agreement``       two attacks against each other
``shift``           can members be told from held-out images by pixels alone?
``frequency``       local distortion against low and high image frequencies
``paper``           the reference numbers of the paper
==================  ==========================================================

NumPy, SciPy and scikit-learn only; the last two are imported where they are
used, so that pages which draw stored numbers start fast.
"""
