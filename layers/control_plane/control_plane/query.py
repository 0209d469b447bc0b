"""How a route's signature says that a model is read from the query.

Apart from `api`: one function has such routes, and what they need costs each init that imports it.
"""

from typing import Annotated, TypeVar

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

FromQuery = Annotated[Model, Query()]
"""A model whose fields are the names of the query; for the OpenAPI document alone."""
