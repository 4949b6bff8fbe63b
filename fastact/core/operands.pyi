from typing import Any

from typing_extensions import disjoint_base

from fastact.catalogue.signatures import Argument

__pyx_capi__: dict[str, Any]

@disjoint_base
class Declaration:
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def declared(self) -> dict[str, Argument]: ...
