"""Builds the C kernels, one static library per CPU target, and the Cython extensions over them.

What the package is called and needs stands in pyproject.toml.  Environment variables:

    FASTACT_WERROR=1        warnings in the C sources are errors, and in what Cython writes those that GCC 14 refuses
    FASTACT_OPENMP=0, 1     build without OpenMP; a compiler that has none is an error
    FASTACT_BUILD_JOBS=N    run N compilers at a time (or MAX_JOBS=N); by default one on each CPU
    FASTACT_SANITIZE=KINDS  check at run time, as GCC and Clang do under -fsanitize=KINDS ("address,undefined"); objects
                            and libraries lie in a folder of their own, build/sanitize

The Windows and macOS branches are untested."""

import concurrent.futures
import os
import platform
import shlex
import shutil
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, OptionError, PlatformError
from setuptools.modified import newer_group

HEADERS = sorted(map(str, Path("fastact").glob("**/*.h")))
KERNEL_SOURCES = sorted(map(str, Path("fastact/kernels").rglob("*.c")))

# The machine built for, which may not be the one that builds.
MACHINE = os.environ.get("ARCHFLAGS") or sysconfig.get_platform()
if MACHINE.endswith("universal2"):  # each architecture has kernels of its own: build for this one
    MACHINE = os.environ["ARCHFLAGS"] = f"-arch {platform.machine()}"

# Never -ffast-math or its parts that change results: see docs.  -fno-trapping-math lets conditionals be vectorised.
COMMON_FLAGS = [
    "-std=gnu11",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
]
SANITIZE = os.environ.get("FASTACT_SANITIZE", "")
if SANITIZE:  # reports name functions and lines; at -O3 a file takes many minutes
    SANITIZER_FLAGS = [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    COMMON_FLAGS += [*SANITIZER_FLAGS, "-O1", "-g1"]
else:
    SANITIZER_FLAGS = []
    COMMON_FLAGS += ["-g0"]
    if sys.platform != "win32":
        COMMON_FLAGS.append("-fno-asynchronous-unwind-tables")  # nothing is thrown through C; smaller wheels
KERNEL_FLAGS = [*COMMON_FLAGS, "-Wall", "-Wextra", *(["-fPIC"] if sys.platform != "win32" else [])]
EXTENSION_FLAGS = list(COMMON_FLAGS)
if os.environ.get("FASTACT_WERROR") == "1":
    KERNEL_FLAGS.append("-Werror")
    # What GCC 14 refuses in any case, where earlier ones and Clang warn.
    wrong = ("incompatible-pointer-types", "int-conversion", "implicit-function-declaration", "implicit-int")
    EXTENSION_FLAGS += [f"-Werror={kind}" for kind in wrong]

# The targets of kernels/targets.c.
if MACHINE.endswith(("x86_64", "amd64")):
    TARGET_FLAGS = {
        # See SMALL in simd/vec.h: half of what -O3 makes.  With sanitizers GCC 12 breaks at -O2.
        "generic": [] if SANITIZE else ["-O2"],
        "avx2": ["-mavx2", "-mfma", "-mf16c"],
        "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma", "-mf16c"],
    }
elif MACHINE.endswith(("aarch64", "arm64")):
    TARGET_FLAGS = {"neon": []}  # which every such CPU has
else:
    TARGET_FLAGS = {"generic": []}


def kernel_library(name, sources, flags=()):
    sources = [f"fastact/kernels/{source}" for source in sources]
    return f"fastact_{name}", {"sources": sources, "cflags": [*KERNEL_FLAGS, *flags]}


LIBRARIES = [
    kernel_library("targets", ["targets.c"]),
    *(
        kernel_library(target, [f"targets/{target}_f32.c", f"targets/{target}_f64.c"], flags)
        for target, flags in TARGET_FLAGS.items()
    ),
]

VERSION = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
CYTHON_UTILITIES = "fastact._cython_utilities"  # what Cython writes for memoryviews, once for all modules

# What is not on the way of a call is built for size.
ON_THE_WAY = ("core.function", "core.operands", "core.execute", "core.plan")
SELDOM = ("core.threads", "core.environment")


def optimization(name):
    return [] if SANITIZE or name in ON_THE_WAY else ["-Os" if name in SELDOM else "-O2"]


EXTENSIONS = [
    Extension(
        f"fastact.{name}",
        [f"fastact/{name.replace('.', '/')}.pyx"],
        include_dirs=["fastact", "fastact/include", numpy.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"), ("FASTACT_VERSION", f'"{VERSION}"')],
        extra_compile_args=[*EXTENSION_FLAGS, *optimization(name)],
        depends=[*HEADERS, *KERNEL_SOURCES, "pyproject.toml"],
    )
    for name in (  # longest first
        "core.function",
        "_slopes",
        "core.operands",
        "core.execute",
        "_c_api",
        "core.losses",
        "core.threads",
        "core.segments",
        "core.plan",
        "core.environment",
    )
]
EXTENSIONS += [
    Extension(
        "fastact._xla",
        ["fastact/_xla.c"],
        include_dirs=["fastact/include"],
        extra_compile_args=[*EXTENSION_FLAGS, "-Os", "-Wall", "-Wextra"],
        depends=[*HEADERS, *KERNEL_SOURCES, "pyproject.toml"],
    ),
    Extension(CYTHON_UTILITIES, [f"{CYTHON_UTILITIES.replace('.', '/')}.c"], extra_compile_args=[*COMMON_FLAGS, "-Os"]),
]

NO_COMPILER = """
fastact is compiled from C on this machine, and {missing} is missing. Install a C compiler and Python's headers:
    Debian, Ubuntu    apt install build-essential python3-dev
    Fedora, RHEL      dnf install gcc python3-devel
    macOS             xcode-select --install   (and `brew install libomp` for threads)
    Windows           Visual Studio's C++ build tools, and LLVM for clang-cl
"""


def compiler_name():
    """What compiles here.  MSVC has no vector types; on Windows clang-cl takes its place."""
    if sys.platform == "win32":
        return os.environ.get("CC") or "clang-cl"
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]


def adapt(compiler):
    """Put clang-cl into setuptools' compiler, which looks for MSVC alone and keeps its linker; others stay as they are."""
    if compiler.compiler_type != "msvc":
        return
    if not compiler.initialized:
        compiler.initialize()
    compiler.cc = shutil.which(compiler_name())
    compiler.compile_options = [option for option in compiler.compile_options if option != "/GL"]


def spelled_for(compiler, flags):
    """GCC's and Clang's flags as clang-cl wants them, which drops some that it does not know as its own."""
    return [f"/clang:{flag}" for flag in flags] if compiler.compiler_type == "msvc" else list(flags)


def compilers_at_once():
    """How many compilers run at a time."""
    for name in ("FASTACT_BUILD_JOBS", "MAX_JOBS"):
        if given := os.environ.get(name):
            if not given.isdecimal() or int(given) == 0:
                raise OptionError(f"{name} is to be a number from 1 on, not {given!r}")
            return int(given)
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


class KernelBuild(build_clib):
    """Static libraries, with a message that helps where there is nothing to compile with."""

    def run(self):
        compiler = compiler_name()
        header = Path(sysconfig.get_path("include"), "Python.h")
        missing = compiler if not shutil.which(compiler) else str(header) if not header.exists() else ""
        if missing:
            raise PlatformError(NO_COMPILER.format(missing=missing))
        super().run()

    def build_libraries(self, libraries):
        """Compile what is out of date, an edited header included, then archive."""
        adapt(self.compiler)
        stale, archives = [], []
        for name, library in libraries:
            flags = spelled_for(self.compiler, library["cflags"])
            objects = self.compiler.object_filenames(library["sources"], output_dir=self.build_temp)
            archives.append((name, objects))
            for source, compiled in zip(library["sources"], objects, strict=True):
                if self.force or newer_group([source, *HEADERS], compiled):
                    stale.append((source, flags))
        stale.sort(key=lambda task: task[0].endswith("targets.c"))  # longest first
        self.compile_all(stale)
        for name, objects in archives:
            self.compiler.create_static_lib(objects, name, output_dir=self.build_clib, debug=self.debug)

    def compile_all(self, tasks):
        """Compile (source, flags) side by side; what has not begun when one fails is given up."""

        def compiled(source, flags):
            self.compiler.compile([source], output_dir=self.build_temp, extra_postargs=flags, debug=self.debug)

        with concurrent.futures.ThreadPoolExecutor(compilers_at_once()) as pool:
            futures = [pool.submit(compiled, *task) for task in tasks]
            try:
                for future in concurrent.futures.as_completed(futures):
                    future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


class ExtensionBuild(build_ext):
    """Extensions, after the libraries they link, with OpenMP where the compiler has it."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or compilers_at_once()

    def run(self):
        self.run_command("build_clib")
        super().run()

    def build_extensions(self):
        adapt(self.compiler)
        compile_flags, link_flags = self.openmp_flags()
        link_flags = [*link_flags, *SANITIZER_FLAGS]
        if sys.platform.startswith("linux"):
            if not SANITIZE:
                link_flags += ["-Wl,-s"]  # no table of symbols
            # Where this Python's own library lies is no business of a wheel, and an extension does not link to it.
            self.compiler.linker_so = [flag for flag in self.compiler.linker_so if "-rpath" not in flag]
        for extension in self.extensions:
            extension.extra_compile_args = spelled_for(self.compiler, extension.extra_compile_args) + compile_flags
            extension.extra_link_args += link_flags
        super().build_extensions()

    def openmp_flags(self):
        """The first pair of flags with which a program that uses OpenMP compiles and links."""
        if os.environ.get("FASTACT_OPENMP") == "0":
            return [], []
        candidates = [(["-fopenmp"], ["-fopenmp"])]
        if sys.platform == "darwin":
            brew = "/opt/homebrew" if MACHINE.endswith("arm64") else "/usr/local"
            libomp = os.environ.get("LIBOMP_PREFIX", f"{brew}/opt/libomp")
            candidates += [
                (["-Xpreprocessor", "-fopenmp"], ["-lomp"]),
                (["-Xpreprocessor", "-fopenmp", f"-I{libomp}/include"], [f"-L{libomp}/lib", "-lomp"]),
            ]
        elif sys.platform == "win32":
            llvm = Path(self.compiler.cc).parents[1]
            candidates = [(["/openmp"], [f"/LIBPATH:{llvm / 'lib'}", "libomp.lib"])]
        for flags in candidates:
            if self.links(*flags):
                return flags
        if os.environ.get("FASTACT_OPENMP") == "1":
            raise PlatformError("FASTACT_OPENMP=1 asks for OpenMP, and this compiler has none")
        print("fastact: this compiler has no OpenMP; building without it, every call will run serially")
        return [], []

    def links(self, compile_flags, link_flags):
        """Whether a program that uses OpenMP builds, with what else the caller has the compiler do (sanitizers, say)."""
        others = SANITIZER_FLAGS
        if self.compiler.compiler_type != "msvc":  # setuptools links extensions with CFLAGS, and programs without
            others = [*others, *shlex.split(os.environ.get("CFLAGS", ""))]
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text("#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n")
            try:
                compile_flags, link_flags = [*compile_flags, *others], [*link_flags, *others]
                objects = self.compiler.compile([str(source)], output_dir=folder, extra_postargs=compile_flags)
                self.compiler.link_executable(objects, "probe", output_dir=folder, extra_postargs=link_flags)
            except CCompilerError:
                return False
        return True


setup(
    libraries=LIBRARIES,
    ext_modules=cythonize(
        EXTENSIONS,
        build_dir="build/cython",
        shared_utility_qualified_name=CYTHON_UTILITIES,
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "auto_pickle": False,
            "autotestdict": False,
            "freethreading_compatible": True,
        },
    ),
    cmdclass={"build_clib": KernelBuild, "build_ext": ExtensionBuild},
    options={"build": {"build_base": "build/sanitize"}} if SANITIZE else {},
)
