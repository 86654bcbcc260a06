"""The job systems that engine.py runs beside each other, each as its own documentation says."""
