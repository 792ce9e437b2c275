import { Time } from "./time.tsx";

/** Follows the time something was written: says when it was edited, if it was. */
export const Edited = ({ at }: { at: string | undefined }) =>
  at === undefined ? null : (
    <>
      {" "}
      <span aria-hidden="true">·</span> edited <Time at={at} />
    </>
  );
