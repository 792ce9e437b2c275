import { Time } from "./time.tsx";

/** Stands behind when something was written. */
export const Edited = ({ at }: { at: string | undefined }) =>
  at === undefined ? null : (
    <>
      {" "}
      <span aria-hidden="true">·</span> edited <Time at={at} />
    </>
  );
