"""What a limited session may read and call besides its scope: what describes tables, and functions that reach nothing.

A list of what is known, as everything else is refused. Left out is whatever shows values of tables (statistics), what
others do (activity), secrets, files, and every function that runs a text as a query, changes a setting or a sequence.
"""

from __future__ import annotations

from typing import Final

from daypass.protocols.postgres.builtins import BUILT_IN

SCHEMA_DESCRIPTION: Final = "information_schema"

_CATALOGUES = """
pg_am pg_attrdef pg_attribute pg_auth_members pg_class pg_collation pg_constraint pg_database pg_description pg_enum
pg_event_trigger pg_extension pg_foreign_table pg_index pg_inherits pg_language pg_namespace pg_opclass pg_operator
pg_partitioned_table pg_policy pg_proc pg_publication pg_publication_namespace pg_publication_rel pg_range
pg_rewrite pg_roles pg_sequence pg_settings pg_statistic_ext pg_tables pg_tablespace pg_timezone_names pg_trigger
pg_type pg_views
"""

_DESCRIPTION = """
character_sets check_constraints columns constraint_column_usage constraint_table_usage domains element_types
key_column_usage referential_constraints schemata sequences table_constraints table_privileges tables triggers views
"""

CATALOGUES: Final = {
    "pg_catalog": frozenset(_CATALOGUES.split()),
    SCHEMA_DESCRIPTION: frozenset(_DESCRIPTION.split()),
}

_REACHING = frozenset({"set_config", "nextval", "setval"})
"""Built in, and not for such a session: they change a setting, or a sequence of any table."""

_MORE = """
array_prepend array_remove int4 int8 isempty json_populate_record json_to_record jsonb_populate_record
jsonb_to_record lower_inc pg_available_extensions pg_char_to_encoding pg_collation_is_visible
pg_get_function_sqlbody pg_get_partition_constraintdef pg_get_statisticsobjdef pg_is_other_temp_schema
pg_my_temp_schema pg_opclass_is_visible pg_operator_is_visible pg_partition_ancestors pg_partition_root
pg_partition_tree pg_relation_is_publishable pg_tablespace_location pg_ts_config_is_visible range_agg
regexp_split_to_array regr_count scale sinh tanh timezone to_ascii upper_inc xmlagg xpath
"""

DESCRIBING: Final = frozenset(name.decode() for name in BUILT_IN) - _REACHING | frozenset(_MORE.split())
"""Functions that reach nothing but their arguments and descriptions."""
