"""Merge of every captured table up to a cut. What is raised for one table stops that table, and no other."""

from collections.abc import Sequence

from lakehouse.cdc.contract import Contract
from lakehouse.cdc.lake import Lake
from lakehouse.cdc.merge.silver import CatchUpResult, PreparedRebuild, catch_up, prepare_rebuild, reset_table
from lakehouse.cdc.merge.table_errors import result_or_table_error
from lakehouse.contracts import CAPTURED
from lakehouse.errors import LakehouseError
from lakehouse.refresh.runs import Run
from lakehouse.spark.parallel import parallel_map


def merge_tables(
    lake: Lake, run: Run, contracts: Sequence[Contract] = CAPTURED, *, rebuild_silver: bool = False
) -> list[LakehouseError]:
    """Merge every table up to the run's cut, and return the errors of the tables that stopped.

    The run gets the results, and the stopped tables beside those that it has. With `rebuild_silver`, every table is
    computed from all of Bronze and judged before the first one is overwritten. Errors of the whole system are raised.
    """
    prepared = _prepare_all(lake, run, contracts) if rebuild_silver else dict[str, PreparedRebuild | LakehouseError]()

    def merge(contract: Contract) -> CatchUpResult | LakehouseError:
        rebuild = prepared.get(contract.table)
        if isinstance(rebuild, LakehouseError):
            return rebuild
        with run.stage(f"silver/{contract.table}"):
            result = result_or_table_error(
                lake,
                contract,
                rebuild.write if rebuild else lambda: catch_up(lake, contract, run.input_offsets[contract.table]),
            )
        if isinstance(result, CatchUpResult) and contract.table not in run.stopped_tables:
            # While other tables are still merged, which keeps one core busy.
            with run.stage(f"proof/{contract.table}"):
                run.proof.read_silver(lake, contract)
        return result

    results = parallel_map(merge, contracts)
    run.catch_up_results = [result for result in results if isinstance(result, CatchUpResult)]
    errors = {
        contract.table: result
        for contract, result in zip(contracts, results, strict=True)
        if isinstance(result, LakehouseError)
    }
    run.stopped_tables |= frozenset(errors)
    return [*errors.values()]


def _prepare_all(lake: Lake, run: Run, contracts: Sequence[Contract]) -> dict[str, PreparedRebuild | LakehouseError]:
    """Return each table's rebuild, or its error.

    From here on the rebuilds are owed: after a run that was killed before their end, the next one does them.
    """

    def prepare(contract: Contract) -> PreparedRebuild | LakehouseError:
        return result_or_table_error(
            lake, contract, lambda: prepare_rebuild(lake, contract, run.input_offsets[contract.table])
        )

    with run.stage("silver/prepare_rebuild"):
        tables = [contract.table for contract in contracts]
        prepared = dict(zip(tables, parallel_map(prepare, contracts), strict=True))
        for contract in contracts:
            if isinstance(prepared[contract.table], PreparedRebuild):
                reset_table(lake, contract)
    return prepared
