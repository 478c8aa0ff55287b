"""Pro-formas, stornos, and the migration of services with their documents."""
