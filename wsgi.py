"""The app of this checkout for a server; ``python wsgi.py`` serves it."""

from console.wsgi import app

if __name__ == "__main__":
    from console.server import serve

    serve(app)
