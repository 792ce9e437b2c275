import { Failure } from "../components/states.tsx";
import { useLoad } from "../load.ts";
import { count } from "../words.ts";
import { operator } from "./api.ts";
import { latest } from "./status.ts";

/** Which database holds which shards, and what is being moved: read again with each status. */
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
          Shards {map.move.first}–{map.move.last} move from {map.move.source} to {map.move.target}:{" "}
          {map.move.phase.replaceAll("_", " ")}, {count(map.move.moved)} rows so far.
        </p>
      )}
      {map && !map.move && <p class="soft">Nothing is being moved.</p>}
      {!map && problem.value && <Failure problem={problem.value} retry={reload} />}
    </section>
  );
}
