"""Where batches come from, if not from arrays.

=============  ======================================================================
``kinds``      which kind of data somebody has handed over, and what its batches hold
``stream``     batches drawn from it, epoch by epoch, checked one by one
``prefetch``   batches made ready in the background
``mapped``     arrays that lie in a file and are read as they are needed
=============  ======================================================================
"""
