"""Builds the C kernels, one static library per CPU target, and the Cython extensions over them.

What the package is called and needs stands in pyproject.toml.  FASTACT_WERROR=1 makes warnings in the C sources
errors; FASTACT_OPENMP=0 builds without OpenMP, and with FASTACT_OPENMP=1 a compiler that has none is an error.  What
is for Windows and for macOS has been written from documentation and not yet run."""

import os
import platform
import shlex
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, PlatformError

HEADERS = sorted(map(str, Path("fastact").glob("**/*.h")))
KERNEL_SOURCES = sorted(map(str, Path("fastact/kernels").glob("*.c")))

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
    "-g0",
]
KERNEL_FLAGS = [*COMMON_FLAGS, "-Wall", "-Wextra", *(["-fPIC"] if sys.platform != "win32" else [])]
if os.environ.get("FASTACT_WERROR") == "1":
    KERNEL_FLAGS.append("-Werror")

TARGET_FLAGS = {"generic": []}
if MACHINE.endswith(("x86_64", "amd64")):
    TARGET_FLAGS["generic"] = ["-O2"]  # see SMALL in table.h: half of what -O3 makes
    TARGET_FLAGS["avx2"] = ["-mavx2", "-mfma"]
    TARGET_FLAGS["avx512"] = ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma"]


def kernel_library(name, sources, flags=()):
    sources = [f"fastact/kernels/{source}" for source in sources]
    return f"fastact_{name}", {
        "sources": sources,
        "obj_deps": {"": HEADERS},  # an edited header rebuilds
        "cflags": [*KERNEL_FLAGS, *flags],
    }


LIBRARIES = [
    kernel_library("targets", ["targets.c"]),
    *(kernel_library(target, [f"{target}_f32.c", f"{target}_f64.c"], flags) for target, flags in TARGET_FLAGS.items()),
]

EXTENSIONS = [
    Extension(
        f"fastact.{name}",
        [f"fastact/{name}.pyx"],
        include_dirs=["fastact", numpy.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_compile_args=[*COMMON_FLAGS, *(["-Os"] if name == "_testing" else [])],  # nobody waits for that one
        depends=HEADERS + KERNEL_SOURCES,
    )
    for name in ("blocks", "engine", "losses", "tallies", "_testing")
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
        adapt(self.compiler)
        for _, library in libraries:
            library["cflags"] = spelled_for(self.compiler, library["cflags"])
        super().build_libraries(libraries)


class ExtensionBuild(build_ext):
    """Extensions, after the libraries they link, with OpenMP where the compiler has it."""

    def run(self):
        self.run_command("build_clib")
        super().run()

    def build_extensions(self):
        adapt(self.compiler)
        compile_flags, link_flags = self.openmp_flags()
        if sys.platform.startswith("linux"):
            link_flags = [*link_flags, "-Wl,-s"]  # no table of symbols
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
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text("#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n")
            try:
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
)
