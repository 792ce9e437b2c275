import { useLoad } from "../api/load.ts";
import { Failure } from "../components/common/states.tsx";
import { count } from "../words/counts.ts";
import { operator } from "./api.ts";
import { latest } from "./status.ts";

/** Which database holds which shards, and the move in progress. Reloads with each status. */
export function Shards() {
  const { value, problem, reload } = useLoad(latest.value?.at ?? "", () => operator.shards());
  const map = value.value;
  return (
    <section class="section">
      <h2>Shards</h2>
      {map && (
        <ul class="shards">
          {map.ranges.map(({ first, last, database }) => (
            <li key={first}>
              <span class="shards-range">
                {first}–{last}
              </span>
              {database}
            </li>
          ))}
        </ul>
      )}
      {map?.move && (
        <p>
          Moving shards {map.move.first}–{map.move.last} from {map.move.source} to {map.move.target}:{" "}
          {map.move.phase.replaceAll("_", " ")}, {count(map.move.moved)} rows so far.
        </p>
      )}
      {map && !map.move && <p class="soft">No move in progress.</p>}
      {!map && problem.value && <Failure problem={problem.value} retry={reload} />}
    </section>
  );
}
