import { expect, it } from "vitest";
import { regionOf } from "./regions.ts";

it.each([
  [{ continent: "NA", longitude: "-122.42" }, "wnam"],
  [{ continent: "NA", longitude: "-77.03" }, "enam"],
  [{ continent: "NA" }, "enam"],
  [{ continent: "SA", longitude: "-46.63" }, "sam"],
  [{ continent: "EU", longitude: "-0.12" }, "weur"],
  [{ continent: "EU", longitude: "21.01" }, "eeur"],
  [{ continent: "AS", longitude: "55.27" }, "me"],
  [{ continent: "AS", longitude: "139.69" }, "apac"],
  [{ continent: "AF", longitude: "3.38" }, "afr"],
  [{ continent: "OC", longitude: "151.2" }, "oc"],
  [{ continent: "AN" }, "weur"],
  [{ continent: "T1" }, "weur"],
  [{}, "weur"],
  [undefined, "weur"],
])("finds the region of %j", (cf, region) => {
  expect(regionOf(new Request("https://localhost", cf && { cf: cf as IncomingRequestCfProperties }))).toBe(region);
});
