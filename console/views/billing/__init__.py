"""Pro-formas and stornos."""
