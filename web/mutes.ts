import type { PersonCard } from "../schema/api/people.ts";
import { api } from "./api.ts";
import { nameOf } from "./components/monogram.tsx";
import { forgetLists } from "./list.ts";
import { asProblem } from "./problem.ts";
import { tell } from "./toast.ts";

/** Answers whether it was saved. */
export async function mute(person: PersonCard, wanted: boolean): Promise<boolean> {
  try {
    await api.mute(person.handle, wanted);
  } catch (error) {
    tell(`That was not saved. ${asProblem(error).message}`, "error");
    return false;
  }
  forgetLists();
  tell(wanted ? `${nameOf(person)} is muted` : `${nameOf(person)} is not muted any more`);
  return true;
}
