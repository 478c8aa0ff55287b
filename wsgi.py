"""The app for a server; ``python wsgi.py`` serves it. gevent patches before any other import."""

from gevent import monkey

monkey.patch_all()

from console.app import create_app  # noqa: E402

app = create_app()

if __name__ == "__main__":
    from console.server import serve

    serve(app)
