"""Putting it all together: store, service, plugins, HTTP, and the process around them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pluggy
import uvicorn
from litestar import Litestar

from governance.errors import IntegrityFault, PortTaken, SetupFault
from governance.fetch import egress
from governance.hooks import HookCaller, Job, observe
from governance.http.application import Application
from governance.plugins import load_plugins
from governance.service import lifecycle, queries
from governance.service.clock import Clock, system_clock
from governance.service.core import Options, Service
from governance.service.instance import Wanted
from governance.settings import Settings
from governance.store.engine import open_store

FATAL: Final = 70
"""Exit code after an integrity fault (EX_SOFTWARE)."""
TICK: Final = 1.0
"""Seconds between two looks at what is due."""
_THREADS: Final = 16
_log: Final = logging.getLogger("althing")


def die(fault: IntegrityFault) -> None:
    """End the process at once: rather no service than a broken log."""
    sys.stderr.write(f"althing: stopped, {fault.detail}\n")
    sys.stderr.flush()
    os._exit(FATAL)


def create_service(
    settings: Settings,
    manager: pluggy.PluginManager,
    *,
    clock: Clock = system_clock,
    on_fatal: Callable[[IntegrityFault], None] | None = None,
) -> Service:
    """The started service of these settings; its store is closed by `close_service`.

    Raises:
        SetupFault, IntegrityFault, StorageUnavailable: why it cannot start.
    """
    migrations: list[Path] = [folder for folders in manager.hook.tables() for folder in folders]
    store = open_store(settings.database, settings.data, migrations=migrations)
    try:
        wanted = Wanted(settings.base_url, settings.url is not None, settings.name)
        options = Options(
            wanted,
            settings.queue,
            post_quantum=settings.post_quantum == "on",
            mirror_limit=settings.mirror_limit,
            egress=egress.BY_NAME[settings.egress],
        )
        hooks = HookCaller(manager)
        service = Service(store, hooks, options, clock=clock, on_fatal=on_fatal)
        hooks.notifiers = [n for found in manager.hook.notifiers(service=service) for n in found]
        service.start()
    except BaseException:
        store.close()
        raise
    return service


def close_service(service: Service) -> None:
    """Stop the writer and give the store back."""
    service.close()
    service.store.close()


def create_app(
    settings: Settings,
    *,
    plugins: tuple[object, ...] = (),
    clock: Clock = system_clock,
    on_fatal: Callable[[IntegrityFault], None] | None = None,
    tick: float = TICK,
) -> Litestar:
    """The application of these settings, its service started.

    Args:
        settings: how it runs.
        plugins: further plugins, beside the installed ones.
        clock: gives the Unix time.
        on_fatal: called when the writer has stopped for good.
        tick: seconds between looks at what is due; 0 leaves ballots to orders alone.
    """
    manager = load_plugins(*plugins)
    service = create_service(settings, manager, clock=clock, on_fatal=on_fatal)
    jobs = [job for found in manager.hook.background_jobs(service=service) for job in found]
    if tick:
        jobs.append(Job("lifecycle", tick, lambda: lifecycle.tick(service, service.clock())))
    more = [route for found in manager.hook.routes(service=service) for route in found]

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        handlers = ThreadPoolExecutor(_THREADS, thread_name_prefix="handlers")
        asyncio.get_running_loop().set_default_executor(handlers)
        tasks = [asyncio.create_task(_repeat(job)) for job in jobs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            app.state.caster.close()
            close_service(service)

    app = Application(service, rate=settings.rate, burst=settings.burst, more=more, lifespan=[lifespan])
    app.state.service = service
    return app


async def _repeat(job: Job) -> None:
    while True:
        await asyncio.to_thread(observe, "background_jobs", job.run)
        await asyncio.sleep(job.every)


def serve(settings: Settings, announce: Callable[[str, str], None] | None = None) -> int:
    """Run an instance until it is told to stop; gives the exit code.

    Args:
        settings: how it runs.
        announce: called with base URL and fingerprint once requests are answered.

    Raises:
        SetupFault: it cannot start like this; IntegrityFault: its records are damaged.
    """
    listener = _listen(settings.host, settings.port)
    app = create_app(settings, on_fatal=die)
    service: Service = app.state.service
    view = queries.instance_view(service)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
        date_header=False,
        backlog=2048,
    )
    server = uvicorn.Server(config)
    if announce is not None:
        threading.Thread(
            target=_announce, args=(server, lambda: announce(view.base_url, view.fingerprint)), daemon=True
        ).start()
    gc.collect()
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0


def _announce(server: uvicorn.Server, say: Callable[[], None]) -> None:
    pause = threading.Event()
    while not server.started and not server.should_exit:
        pause.wait(0.02)
    if server.started:
        say()


def _listen(host: str, port: int) -> socket.socket:
    """The bound socket, before anything else is touched.

    Raises:
        PortTaken: another program listens there.
        SetupFault: the address is not one of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as e:
        if e.errno in {98, 48}:
            raise PortTaken(
                f"port {port} on {host} is taken by another program; choose another with --port"
            ) from e
        raise SetupFault(f"cannot listen on {host} port {port}: {e.strerror or e}") from e
    return listener
