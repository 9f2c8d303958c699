"""What the scripts that run the functions share: the built functions, a template that names them, and processes.

Standard library only. A failure is a `Failed`, whose text says what is missing or wrong.
"""

import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOLS = ROOT / ".tools"
STEELYARD = ROOT / "target/debug/steelyard"

# The rules of the template's defaults. The commands need them with --aws.
RULES = {"TIME_ZONE": "Asia/Shanghai", "MONTH_CLOSE_DAY": "5", "USAGE_RETENTION_DAYS": "400",
         "DEBIT_TIME": "10:00", "DEBIT_WINDOW_MINUTES": "60", "DEBIT_MINIMUM_FEN": "1",
         "ADJUSTMENTS_NEED_APPROVAL": "false", "API_NAMES_MAX": "2000"}


class Failed(Exception):
    """What is missing or wrong, as a sentence."""


def say(text):
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


STARTED = time.monotonic()


def check(what, found, expected):
    """Prints what was found, and fails when something else was expected."""
    if found != expected:
        raise Failed(f"{what}: expected {expected!r}, found {found!r}")
    say(f"ok: {what}: {found!r}")


def require(path, how):
    """A tool that must be there: a path, or a name to be found on PATH."""
    if not shutil.which(str(path)):
        raise Failed(f"{path} is missing: {how}")
    return str(path)


def run(*command, timeout_s=60, is_shown=False, **options):
    """The standard output of a command that must succeed."""
    command = [str(argument) for argument in command]
    streams = {} if is_shown else {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    options = {"stdin": subprocess.DEVNULL} | streams | options
    try:
        done = subprocess.run(command, timeout=timeout_s, text=True, check=False, **options)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"`{' '.join(command)}` took more than {timeout_s} s") from error
    if done.returncode != 0:
        output = "" if is_shown else f":\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        raise Failed(f"`{' '.join(command)}` ended with {done.returncode}{output}")
    return done.stdout


def wait_for(what, probe, timeout_s):
    """The first answer of a probe that is not None."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        answer = probe()
        if answer is not None:
            return answer
        time.sleep(0.5)
    raise Failed(f"waited {timeout_s} s in vain for {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(url, body=None, method=None, headers=None):
    """Status and text of an HTTP answer, whatever the status."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | dict(headers or {})
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Function:
    """A function of the template: its logical id, its folder in the workspace and the name of its binary."""

    def __init__(self, name, folder, binary):
        self.name, self.folder, self.binary = name, folder, binary


def resources(template):
    """The resources of the template, each as (logical id, text)."""
    text = template.split("\nResources:\n", 1)[1].split("\nOutputs:\n", 1)[0]
    blocks = re.split(r"(?m)^(?=  \w+:$)", text)
    return [(block.split(":", 1)[0].strip(), block) for block in blocks if re.match(r"  \w+:\n", block)]


def functions(template):
    """The functions that the template describes."""
    found = []
    for name, block in resources(template):
        if "\n    Type: AWS::Serverless::Function\n" in block:
            folder = re.search(r"CodeUri: functions/(\S+)", block)
            binary = re.search(r"Binary: (\S+)", block)
            if not (folder and binary):
                raise Failed(f"template.yaml says of {name} no CodeUri under functions/, or no Binary")
            found.append(Function(name, folder[1], binary[1]))
    return found


def build(found, folder, is_built):
    """Builds the functions and the command, unoptimised, unless they are built; puts each function's `bootstrap` into a
    folder of its own."""
    if not is_built:
        say("building the functions and the command")
        run("cargo", "build", "--quiet", "--locked", "--workspace", "--bins", cwd=ROOT, timeout_s=1800, is_shown=True)
    for function in found:
        target = folder / function.binary / "bootstrap"
        require(ROOT / "target/debug" / function.binary, "run this without --built")
        target.parent.mkdir(parents=True)
        # Symbols are most of an unoptimised binary.
        run("strip", "-o", target, ROOT / "target/debug" / function.binary)


def with_built_code(template, found, folder):
    """The template with the built functions in place of their sources."""
    for function in found:
        template = template.replace(f"CodeUri: functions/{function.folder}\n", f"CodeUri: {folder / function.binary}\n")
    return template


@contextlib.contextmanager
def process(name, *command, log, **options):
    """A process that runs meanwhile. It and its children are ended at the end, by its id."""
    with open(log, "wb") as output:
        started = subprocess.Popen([str(argument) for argument in command], stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True, **options)
    say(f"{name} runs as process {started.pid}")
    try:
        yield started
    finally:
        for end in (started.terminate, lambda: os.killpg(started.pid, 9)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(20)
        say(f"{name} ended")


def wait_for_server(name, url, started, log, timeout_s=60):
    """Waits until a process answers at an address; its log says why it does not."""

    def probe():
        if started.poll() is not None:
            raise Failed(f"{name} ended with {started.returncode}:\n{tail(log)}")
        with contextlib.suppress(OSError):
            return ask(url)

    return wait_for(f"{name} at {url}", probe, timeout_s)


def tail(log, bytes_max=4000):
    return pathlib.Path(log).read_bytes()[-bytes_max:].decode(errors="replace")


def without_aws(environment):
    """An environment in which no command finds the credentials, the region or the tables of its user."""
    ours = {*RULES, "STEELYARD_ENDPOINT", "USAGE_TABLE", "BILLING_TABLE"}
    return {name: value for name, value in environment.items() if not name.startswith("AWS_") and name not in ours}


def yesterday():
    """The billing day before today, in the template's default time zone, which has no other offset."""
    beijing = datetime.timezone(datetime.timedelta(hours=8))
    return (datetime.datetime.now(beijing) - datetime.timedelta(days=1)).date()


def report(source, identifier, provider, api, count):
    """A usage report of yesterday."""
    record = {"provider": provider, "api": api, "day": str(yesterday()), "count": count}
    return {"source": source, "id": identifier, "records": [record]}


def pay(alipay, provider, out_trade_no):
    """Pays a trade at a local Alipay, which then notifies whom the trade names."""
    ask(f"{alipay}/local/payers/{provider}", {"funds_fen": 10_000}, "PUT")
    status, text = ask(f"{alipay}/local/trades/{out_trade_no}/pay", {"payer": provider})
    if status != 204:
        raise Failed(f"the trade cannot be paid: {status} {text}")


def refunded_fen(alipay, out_trade_no):
    """What a local Alipay gave back of a trade."""
    _, text = ask(f"{alipay}/local/trades")
    return sum(trade["refunded_fen"] for trade in json.loads(text) if trade["out_trade_no"] == out_trade_no)


def main(script):
    """Runs a script; its failure is one message, and exit code 1."""
    try:
        script()
    except Failed as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
