"""ldviz: where a latent diffusion model remembers.

The rooms, in reading order; each imports only from those before it:

==============  ==============================================================
``errors``      LdvizError and its few children
``randomness``  random numbers keyed by (purpose, seed, sample, timestep)
``data``        images and splits: where images come from, who is a member
``models``      autoencoder, denoiser, noise schedule; owns the scaling factor
``geometry``    Jacobian products, singular spectrum, influence of a decoder
``attacks``     one paper, one file; the registry; masks over latent dimensions
``metrics``     ROC, intervals, strata, frequency: NumPy and SciPy only
``study``       the stored analysis: schema, store, training, analysis, report
``jobs``        long work in its own process: progress, cancel, one per model
``figures``     finished numbers to Plotly figures
``ui``          the only room that imports Streamlit
==============  ==============================================================

Importing ``ldviz`` imports none of them.
"""

__version__ = "0.1.0"
