"""A real server for the line protocol, with its faults as methods."""

from __future__ import annotations

import asyncio
import ssl


class LineTarget:
    """Answers each line with `DONE line`, but `SLEEP` only when it is poked. `lines` is what reached it."""

    def __init__(self) -> None:
        self.port = 0
        self.lines: list[str] = []
        self.orders: list[str] = []
        self.working: dict[str, asyncio.StreamWriter] = {}
        self.running: dict[str, str] = {}
        self.signing_in = True
        self.ending = True
        self.turning_away = False
        self.turned_away = 0
        self.stubborn = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.tls: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._next = 100
        self._enders: list[asyncio.StreamWriter] = []
        self._all: set[asyncio.StreamWriter] = set()

    async def start(self) -> LineTarget:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 24)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def lose_enders(self) -> None:
        """As when somebody there throws them out."""
        for ender in self._enders:
            ender.transport.abort()

    async def stop(self) -> None:
        """Down: nobody gets in, everybody is thrown out."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._all):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._all.add(writer)
        pid = ""
        try:
            while line := (await reader.readline()).decode().rstrip("\n"):
                if line == "TLS":
                    writer.write(b"YES\n")
                    await writer.start_tls(self.tls)  # type: ignore[arg-type]
                elif line == "LOGIN":
                    pid = self._login(writer)
                elif line.startswith("CANCEL "):
                    self._interrupt(line.split(" ")[1])
                    return
                elif line == "ENDER":
                    if self.turning_away:
                        self.turned_away += 1
                        return
                    if self.ending:
                        self._enders.append(writer)
                        writer.write(b"ENDER-OK\n")
                elif writer in self._enders:
                    await self.answering.wait()
                    self._order(writer, *line.split(" "))
                else:
                    self.lines.append(line)
                    self._do(pid, writer, line)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            self.working.pop(pid, None)
            self._all.discard(writer)
            writer.close()

    def _login(self, writer: asyncio.StreamWriter) -> str:
        self._next += 1
        pid = str(self._next)
        if self.signing_in:
            self.working[pid] = writer
            writer.write(f"WELCOME {pid}\n".encode())
        return pid

    def _do(self, pid: str, writer: asyncio.StreamWriter, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "SLEEP":
            self.running[pid] = line
        elif word == "FLOOD":
            for _ in range(int(rest)):
                writer.write(b"x" * 65535 + b"\n")
            writer.write(b"DONE flood\n")
        else:
            writer.write(b"DONE " + line.encode()[:40] + b"\n")

    def _interrupt(self, pid: str) -> None:
        if not self.stubborn and self.running.pop(pid, None):
            self.working[pid].write(b"DONE interrupted\n")

    def _order(self, ender: asyncio.StreamWriter, word: str, *pids: str) -> None:
        self.orders.append(" ".join((word, *pids)))
        states = []
        for pid in pids:
            running = self.running.get(pid, "").replace(" ", "_")
            if word == "STOP" and not self.stubborn and pid in self.working:
                self.working.pop(pid).transport.abort()
            if word in ("POKE", "HALT"):
                self._interrupt(pid)
            states.append(f"{'yes' if pid in self.working else 'no'}/{running}")
        ender.write(f"{word} {' '.join(states)}\n".encode())
