/** Compares the headers of other projects' files, as inspection reads them, with what other readers report. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { bytesInMemory, Metered } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { pictureType } from "../../../../tests/runtime/media/picture-bytes.ts";
import { processorTime } from "../../../../tests/runtime/media/processor-time.ts";
import { type Header, readHeader } from "./header.ts";

const CORPUS = fileURLToPath(new URL("../../../../../shared/corpus/", import.meta.url).href);
const CPU_MS_MAX = 50;
const RUNS = 3;

type Known = {
  format: string;
  displayWidth: number;
  displayHeight: number;
  orientation?: number;
  frames?: number;
  hasGps?: boolean;
  motionPhoto?: boolean;
};
type Look = {
  path: string;
  known: Known;
  bytes: number;
  bytesRead: number;
  reads: number;
  cpuMs: number;
  header?: Header;
  /** "read", or the code of a rejection. */
  end: string;
};

const FOLDERS = ["orientation", "images-valid", "images-gps", "images-broken", "wrong-types"] as const;
type Folder = (typeof FOLDERS)[number];

async function look(path: string, known: Known, file: Uint8Array): Promise<Look> {
  const source = new Metered(bytesInMemory(file), Infinity, Infinity);
  const read = async () => readHeader(source, pictureType(file));
  const { result: end, cpuMs } = await processorTime(() =>
    read()
      .then((header) => ({ end: "read", header }))
      .catch((error: unknown) => ({ end: codeOf(error, path) })),
  );
  const { bytesRead, reads } = source;
  return { path, known, bytes: file.length, bytesRead, reads, cpuMs, ...end };
}

/** Reads each file several times and returns the cheapest run, because other programs use the CPU too. */
async function lookAt(folder: Folder): Promise<Look[]> {
  const files = JSON.parse(readFileSync(`${CORPUS}${folder}/expected.json`, "utf8")) as Record<string, Known>;
  const looks: Look[] = [];
  for (const [path, known] of Object.entries(files)) {
    const file = new Uint8Array(readFileSync(`${CORPUS}${folder}/${path}`));
    const runs = [await look(path, known, file)];
    while (runs.length < RUNS) runs.push(await look(path, known, file));
    looks.push(runs.reduce((a, b) => (a.cpuMs < b.cpuMs ? a : b)));
  }
  return looks;
}

function codeOf(error: unknown, path: string): string {
  if (error instanceof Rejected) return error.code;
  if (error instanceof Error && error.message === "unsupported_type") return "unsupported_type";
  throw new Error(`${path} crashed a reader`, { cause: error });
}

const counts = (looks: Look[]): Record<string, number> => {
  const all: Record<string, number> = {};
  for (const { end } of looks) all[end] = (all[end] ?? 0) + 1;
  return all;
};

type Value = string | number | boolean | undefined;

/** Returns how a file's header differs from what is known. */
function misses({ known, header, end }: Look): string[] {
  if (!header) return [end];
  const { stored, turned, frames, exif, carries } = header;
  const shown = turned ? [stored.height, stored.width] : [stored.width, stored.height];
  const compared: [string, Value, Value][] = [
    ["size", shown.join(), [known.displayWidth, known.displayHeight].join()],
    ["orientation", exif.orientation ?? undefined, known.orientation],
    // The number of frames is not known for all formats.
    ["frames", frames, known.frames ?? (known.format === "avif" ? frames : 1)],
    ["gps", carries.includes("gps"), known.hasGps ?? carries.includes("gps")],
    ["motion", carries.includes("motion_video"), known.motionPhoto ?? false],
  ];
  return compared.filter(([, is, should]) => is !== should).map(([name, is, should]) => `${name} ${is}, not ${should}`);
}

const missesIn = (looks: Look[]) =>
  Object.fromEntries(looks.map((file) => [file.path, misses(file)]).filter(([, wrong]) => wrong?.length !== 0));

describe.skipIf(!existsSync(CORPUS))("headers of pictures from other projects", () => {
  const looks = {} as Record<Folder, Look[]>;

  beforeAll(async () => {
    for (const folder of FOLDERS) looks[folder] = await lookAt(folder);
    if (process.env.WHOLE_CORPUS) console.table(FOLDERS.map((folder) => summary(folder, looks[folder])));
  });

  it("state the size, orientation and frames", () => {
    expect(missesIn(looks.orientation)).toEqual({});
    expect(looks["images-valid"]).toHaveLength(272);
    expect(missesIn(looks["images-valid"])).toEqual({ "androidx/black_large.webp": ["too_many_pixels"] }); // 16,000 by 9,000.
  });

  it("reveal whether there is a position or a video", () => {
    expect(looks["images-gps"].filter(({ known }) => known.hasGps)).toHaveLength(22);
    expect(missesIn(looks["images-gps"])).toEqual({});
  });

  it("state the camera, lens, time and colour profile", () => {
    const header = (end: string) => looks["images-gps"].find(({ path }) => path.endsWith(end))?.header;
    expect(header("heic-iphone7.heic")).toMatchObject({
      colorProfile: "Display P3",
      exif: {
        camera: "Apple iPhone 7",
        lens: "iPhone 7 back camera 3.99mm f/1.8",
        takenAt: "2019-10-20T18:34:30",
        takenOffset: "+02:00",
      },
    });
    expect(header("seine_hdr_rec2020.avif")?.colorProfile).toBe("BT.2100 PQ");
    expect(header("ultrahdr.jpg")?.colorProfile).toBe("sRGB IEC61966-2.1");
  });

  it("are read or rejected with a code when the file is damaged", () => {
    expect(counts(looks["images-broken"])).toEqual({
      read: 107,
      corrupt: 40,
      too_many_pixels: 15,
      unsupported_type: 82,
    });
  });

  it("are refused by their first bytes when the file is not a picture", () => {
    expect(counts(looks["wrong-types"])).toEqual({ unsupported_type: 60 });
  });

  it("cost little CPU and few bytes each", () => {
    const all = Object.values(looks).flat();
    expect(all.filter(({ cpuMs }) => cpuMs > CPU_MS_MAX)).toEqual([]);
    expect(all.filter(({ bytes, bytesRead }) => bytesRead > 2 * bytes)).toEqual([]);
  });
});

/** Returns one row of the table: the results of the files in a folder, and the cost of reading them. */
function summary(folder: Folder, looks: Look[]) {
  const read = looks.filter(({ reads }) => reads > 0);
  if (read.length === 0) return { folder, files: looks.length, ...counts(looks) };
  const sum = (key: "bytes" | "bytesRead") => read.reduce((total, file) => total + file[key], 0);
  const shares = read.map(({ bytes, bytesRead }) => bytesRead / bytes).sort((a, b) => a - b);
  const cpu = read.map(({ cpuMs }) => cpuMs).sort((a, b) => a - b);
  const percent = (share = 0) => `${Math.round(share * 1000) / 10} %`;
  return {
    folder,
    files: looks.length,
    ...counts(looks),
    "bytes read, median": percent(shares[shares.length >> 1]),
    "max.": percent(shares.at(-1)),
    "in sum": percent(sum("bytesRead") / sum("bytes")),
    "reads, max.": Math.max(...looks.map(({ reads }) => reads)),
    "CPU ms, median": cpu[cpu.length >> 1],
    "CPU ms, max.": cpu.at(-1),
  };
}
