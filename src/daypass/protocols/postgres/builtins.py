"""Names of PostgreSQL's own functions that run no other code, and words that may stand before a parenthesis.

Not a guard: a schema in front of pg_catalog in the search path can hold a function of the same name. A text that calls
anything else may have changed prepared names behind our back, and the record says so.
"""

from __future__ import annotations

_WORDS = """
all and any array as between by case check columns conflict cube default distinct else end except exists extract
filter for from full grouping having if in index inner intersect into is join key lateral left like ilike limit not
offset on only or order over overlaps partition primary references returning right rollup row rows select sets similar
some table tablesample then to union unique using values when where window with within xmlelement xmlforest
analyze explain copy verbose buffers format costs settings timing wal
bigint bit boolean bool bpchar char character date dec decimal float int integer interval nchar numeric real smallint
text time timestamp timestamptz varchar varying
"""

_FUNCTIONS = """
abs acos age array_agg array_append array_cat array_dims array_length array_lower array_ndims array_position
array_positions array_prepend array_remove array_replace array_to_json array_to_string array_upper ascii asin atan atan2
avg bit_and bit_length bit_or bool_and bool_or btrim cardinality cast cbrt ceil ceiling char_length character_length chr
clock_timestamp coalesce concat concat_ws convert_from convert_to corr cos cot count covar_pop covar_samp cume_dist
current_database current_date current_schema current_schemas current_setting current_timestamp current_user currval
date_bin date_part date_trunc decode degrees dense_rank div encode every exp factorial first_value floor format
format_type gcd gen_random_uuid generate_series generate_subscripts get_bit get_byte greatest has_any_column_privilege
has_column_privilege has_database_privilege has_function_privilege has_schema_privilege has_table_privilege
host inet_client_addr inet_server_addr initcap isfinite json_agg json_array_elements json_array_elements_text
json_array_length json_build_array json_build_object json_each json_each_text json_extract_path json_extract_path_text
json_object json_object_agg json_object_keys json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text
jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path
jsonb_extract_path_text jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists jsonb_path_query jsonb_pretty
jsonb_set jsonb_typeof justify_days justify_hours justify_interval lag last_value lastval lcm lead least length ln
localtime localtimestamp log log10 lower lpad ltrim make_date make_interval make_time make_timestamp make_timestamptz
max md5 min mod mode now nth_value ntile nullif num_nonnulls num_nulls obj_description col_description octet_length
overlay parse_ident percent_rank percentile_cont percentile_disc pg_backend_pid pg_column_size pg_database_size
pg_encoding_to_char pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_functiondef
pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result pg_get_indexdef
pg_get_partkeydef pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef_columns pg_get_triggerdef
pg_get_userbyid pg_get_viewdef pg_indexes_size pg_is_in_recovery pg_relation_size pg_size_pretty pg_sleep
pg_table_is_visible pg_table_size pg_total_relation_size pg_type_is_visible pg_typeof pi position power quote_ident
quote_literal quote_nullable radians random range_merge rank regexp_count regexp_instr regexp_like regexp_match
regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr regr_slope repeat replace
reverse round row_number row_to_json rpad rtrim session_user set_bit set_byte set_config sha224 sha256 sha384 sha512
shobj_description sign sin split_part sqrt starts_with statement_timestamp stddev stddev_pop stddev_samp string_agg
string_to_array string_to_table strpos substr substring sum tan timeofday to_ascii to_char to_date to_hex to_json
to_jsonb to_number to_regclass to_regnamespace to_regproc to_regrole to_regtype to_timestamp to_tsquery to_tsvector
transaction_timestamp translate trim trunc ts_headline ts_rank txid_current unnest upper user var_pop var_samp variance
version width_bucket plainto_tsquery phraseto_tsquery websearch_to_tsquery nextval setval
is_normalized like_escape normalize pg_collation_for similar_to_escape timezone xmlexists
"""

BUILT_IN = frozenset(word.encode() for word in (_WORDS + _FUNCTIONS).split())
