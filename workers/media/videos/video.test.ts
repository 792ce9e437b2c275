import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Media } from "../../../schema/api/media.ts";
import type { MediaId, PersonId } from "../../../schema/ids.ts";
import { file, HAS_CORPUS } from "../../../tests/runtime/media/corpus.ts";
import { requestAs } from "../../../tests/runtime/media/media.ts";
import { newPerson } from "../../../tests/runtime/world/posts.ts";
import { edited, fillOf, mp4, webm } from "../../../tests/runtime/media/video-files.ts";
import { inspectUploaded, uploadedVideo } from "../../../tests/runtime/media/videos.ts";
import { bytesInMemory } from "../bytes/byte-source.ts";
import { originalKey, videoKey } from "../files/objects.ts";
import { describeVideo } from "./describe.ts";
import { PART_BYTES } from "../../../schema/media/upload-limits.ts";
import { storeVideo } from "./multipart.ts";
import { inspectVideo } from "./video.ts";

const read = async (owner: PersonId, id: MediaId) => (await requestAs(owner, `/v1/media/${id}`)).json<Media>();

async function served(id: MediaId) {
  const object = await env.MEDIA.get(videoKey(id));
  if (!object) throw new Error(`${id} has no video`);
  return {
    type: object.httpMetadata?.contentType,
    bytes: new Uint8Array(await object.arrayBuffer()),
    etag: object.etag,
  };
}

const describeServed = (bytes: Uint8Array) => describeVideo(bytesInMemory(bytes), "video/mp4");

/** Returns an environment whose bucket fails whenever `method` is called. */
function failing(method: string): Env {
  const faulty = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (of, name) => {
        const value: unknown = Reflect.get(of, name);
        if (typeof value !== "function") return value;
        return async (...args: unknown[]) => {
          if (name === method) throw new Error("R2 is down");
          const answer: unknown = await Reflect.apply(value, of, args);
          return name === "createMultipartUpload" ? faulty(answer as object) : answer;
        };
      },
    });
  return { ...env, MEDIA: faulty(env.MEDIA) };
}

it("describes a video and serves a copy that begins with its index", async () => {
  const owner = newPerson();
  const original = await mp4({ width: 640, height: 360, rotation: 90, frames: 12, sound: true, fastStart: false });
  const id = await uploadedVideo(owner, original, "video/quicktime");
  await inspectUploaded(id);

  expect(await read(owner, id)).toMatchObject({
    state: "ready",
    contentType: "video/quicktime",
    width: 360,
    height: 640,
    details: {
      video: {
        codec: "avc1.42c01e",
        frameRate: 10,
        rotation: 90,
        fastStart: false,
        audio: { codec: "mp4a.40.2", channels: 1, sampleRate: 44_100 },
        durationMs: 1207, // The end of the last audio packet.
      },
      removed: [],
    },
    videoUrl: expect.stringContaining(`/media/${id}/video?for=`) as string,
  });
  const copy = await served(id);
  expect(copy.type).toBe("video/mp4");
  const { video, width, height } = await describeVideo(bytesInMemory(copy.bytes), "video/mp4");
  expect([width, height, video.rotation, video.fastStart, video.durationMs]).toEqual([360, 640, 90, true, 1207]);
  expect(await env.MEDIA.head(originalKey(id))).not.toBeNull();
});

it("copies nothing but the packets", async () => {
  const owner = newPerson();
  const tags = { title: "At home", comment: "+52.5200+013.4050/", date: new Date(0) };
  const original = new Uint8Array([...(await mp4({ tags })), ...new TextEncoder().encode("PK and more")]);
  const id = await uploadedVideo(owner, original);
  await inspectUploaded(id);
  expect((await read(owner, id)).details?.removed).toEqual(["metadata", "trailer"]);
  const text = new TextDecoder("latin1").decode((await served(id)).bytes);
  expect(text).not.toMatch(/At home|\+52\.5200|PK and more|udta|ilst/);
});

it("tells the owner of a trimmed video how much of what was cut away remains, and serves the rest alone", async () => {
  const owner = newPerson();
  const whole = await mp4({ frames: 60, keyEvery: 10, bytesPerFrame: 1000, fastStart: false });
  // In 57,600ths of a second: two seconds from 2.5 s on.
  const id = await uploadedVideo(owner, edited(whole, [[115_200, 144_000]]));
  await inspectUploaded(id);
  expect((await read(owner, id)).details).toMatchObject({
    video: { durationMs: 2000, hiddenBeforeMs: 500 },
    removed: ["cut_parts"],
  });
  const { bytes } = await served(id);
  expect(bytes.length).toBeLessThan(30_000); // 25 of 60 frames.
  expect((await describeServed(bytes)).video).toMatchObject({ durationMs: 2000, hiddenBeforeMs: 500 });
});

it("refuses a video whose cuts take a transcoder, and says what to do", async () => {
  const owner = newPerson();
  const id = await uploadedVideo(owner, edited(await mp4({ fastStart: false }), [[57_600, 0, 2]]));
  await inspectUploaded(id);
  expect(await read(owner, id)).toMatchObject({
    state: "rejected",
    rejection: { code: "unsupported_edits", detail: expect.stringContaining("export it") as string, mayRetry: false },
  });
});

it("stores a long video in parts, with all packets in order", async () => {
  const [frames, bytesPerFrame] = [3, 2_000_000];
  const original = await mp4({ frames, bytesPerFrame, fastStart: false });
  const id = await uploadedVideo(newPerson(), original);
  await inspectUploaded(id);
  const { bytes } = await served(id);
  expect(bytes.length).toBeGreaterThan(PART_BYTES);
  const [found, again] = [await describeVideo(bytesInMemory(original), "video/mp4"), await describeServed(bytes)];
  expect(again).toEqual({ ...found, video: { ...found.video, fastStart: true } });
  // The packets are at the end of the file, and each is filled with its number.
  const last = (frame: number) => bytes[bytes.length - (frames - frame - 1) * bytesPerFrame - 1];
  for (let frame = 0; frame < frames; frame += 1) expect(last(frame)).toBe(fillOf(frame));
});

it("stores a long WebM in parts", async () => {
  const original = await webm({ frames: 12, bytesPerFrame: 500_000 });
  const id = await uploadedVideo(newPerson(), original, "video/webm");
  await inspectUploaded(id);
  const { bytes, type } = await served(id);
  expect([type, bytes.length > PART_BYTES]).toEqual(["video/webm", true]);
  const found = await describeVideo(bytesInMemory(original), "video/webm");
  expect(await describeVideo(bytesInMemory(bytes), "video/webm")).toEqual(found);
});

it("takes the duration of a WebM that states none from its copy", async () => {
  const file = await webm({ frames: 10 });
  const at = file.findIndex((byte, index) => byte === 0x44 && file[index + 1] === 0x89 && file[index + 2] === 0x88);
  file.set([0xec, 0x89, 0], at); // A void element of the same length.
  expect((await describeVideo(bytesInMemory(file), "video/webm")).video.durationMs).toBeNull();

  const owner = newPerson();
  const id = await uploadedVideo(owner, file, "video/webm");
  await inspectUploaded(id);
  expect((await read(owner, id)).details?.video?.durationMs).toBe(900);
});

it("does not rewrite an existing copy", async () => {
  const original = await mp4();
  const id = await uploadedVideo(newPerson(), original);
  const upload = { id, contentType: "video/mp4", bytes: original.length } as const;
  const first = await inspectVideo(env, upload);
  const { etag } = await served(id);
  expect(await inspectVideo(env, upload)).toEqual(first);
  expect((await served(id)).etag).toBe(etag);
});

it("fails without rejecting the video whenever the bucket fails, and succeeds the next time", async () => {
  const large = await mp4({ frames: 3, bytesPerFrame: 2_000_000 });
  const cases: [Uint8Array, string[]][] = [
    [await mp4(), ["get", "head", "put"]],
    [large, ["createMultipartUpload", "uploadPart", "complete"]],
  ];
  for (const [original, methods] of cases) {
    const id = await uploadedVideo(newPerson(), original);
    const upload = { id, contentType: "video/mp4", bytes: original.length } as const;
    for (const method of methods) {
      await expect(inspectVideo(failing(method), upload), method).rejects.toThrow("R2 is down");
      expect(await env.MEDIA.head(videoKey(id)), method).toBeNull();
    }
    await inspectVideo(env, upload);
    expect((await served(id)).bytes.length).toBeGreaterThan(original.length);
  }
});

it("keeps what another delivery has stored meanwhile", async () => {
  const id = await uploadedVideo(newPerson(), await mp4());
  for (const bytes of [1000, PART_BYTES + 1000]) {
    await env.MEDIA.delete(videoKey(id));
    await storeVideo(env, id, "video/mp4", async (sink) => {
      await sink(0, new Uint8Array(bytes));
      await env.MEDIA.put(videoKey(id), "first");
    });
    expect(new TextDecoder().decode((await served(id)).bytes)).toBe("first");
  }
});

it("holds only the first part of a file and its newest ones", async () => {
  const id = await uploadedVideo(newPerson(), await mp4());
  const over = storeVideo(env, id, "video/webm", async (sink) => {
    for (let part = 0; part < 6; part += 1) await sink(part * PART_BYTES, new Uint8Array(PART_BYTES));
    await sink(0, new Uint8Array(8));
    await sink(PART_BYTES, new Uint8Array(8));
  });
  await expect(over).rejects.toMatchObject({ code: "too_complex" });
  expect(await env.MEDIA.head(videoKey(id))).toBeNull();
});

it("tells the owner why a video is rejected", async () => {
  const owner = newPerson();
  const id = await uploadedVideo(owner, await mp4({ frames: 2, framesPerSecond: 0.01 }));
  await inspectUploaded(id);
  expect(await read(owner, id)).toMatchObject({
    state: "rejected",
    rejection: { code: "too_long", detail: expect.stringContaining("three minutes") as string, mayRetry: false },
  });
  expect(await env.MEDIA.head(videoKey(id))).toBeNull();
});

it.skipIf(!HAS_CORPUS)("serves phone videos without their positions", async () => {
  for (const path of ["androidx/sample_rotate_and_reflect.mp4", "androidx/sample_with_color_info.mp4"]) {
    const owner = newPerson();
    const id = await uploadedVideo(owner, new Uint8Array(await file(`videos/${path}`)));
    await inspectUploaded(id);
    expect((await read(owner, id)).details?.removed).toEqual(expect.arrayContaining(["location", "metadata"]));
    expect(new TextDecoder("latin1").decode((await served(id)).bytes), path).not.toMatch(/\xa9xyz|loci|ISO6709|mebx/);
  }
});
