/** Verifies what browsers send at the end of the two ceremonies of WebAuthn. It knows no store. */
import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";
import { decodeAttestationObject } from "@simplewebauthn/server/helpers";
import { fromBase64url, toBase64url } from "../../../schema/base64url.ts";
import type { NewPasskey, PasskeySignIn } from "../../../schema/api/passkeys.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import type { RelyingParty } from "./relying-party.ts";

/** The algorithms of keys, as COSE numbers them: ES256, Ed25519 and RS256, in the order of preference. */
export const ALGORITHMS: number[] = [-7, -8, -257];

/** Checks the challenge that a browser has answered, and throws a Refusal for a wrong one. */
type CheckChallenge = (challenge: string) => Promise<void>;

const expected = ({ id, origins }: RelyingParty, check: CheckChallenge) => ({
  expectedRPID: id,
  expectedOrigin: [...origins],
  expectedChallenge: async (challenge: string) => {
    await check(challenge);
    return true;
  },
});

/** What is stored of a new passkey. `publicKey`: the COSE key, in base64url. */
type Created = { publicKey: string; counter: number };

/** Verifies a new credential. Throws `passkey_not_accepted`, and what `check` throws. */
export async function verifyCreated(
  { id, type, response }: NewPasskey["credential"],
  party: RelyingParty,
  check: CheckChallenge,
): Promise<Created> {
  const { registrationInfo } = await orNotAccepted(() => {
    refuseCertificates(response.attestationObject);
    return verifyRegistrationResponse({
      response: { id, rawId: id, type, response, clientExtensionResults: {} },
      ...expected(party, check),
      supportedAlgorithmIDs: ALGORITHMS,
    });
  });
  if (registrationInfo?.credential.id !== id) throw notAccepted("The attestation is of another credential");
  const { publicKey, counter } = registrationInfo.credential;
  return { publicKey: toBase64url(publicKey), counter };
}

/**
 * Refuses statements that only name the product of the authenticator: none was asked for, and to verify them the library
 * would fetch lists of revoked certificates from addresses that the client chooses.
 */
function refuseCertificates(attestationObject: string): void {
  const statement = decodeAttestationObject(fromBase64url(attestationObject));
  const format = statement.get("fmt");
  const isSelfSigned = format === "packed" && !statement.get("attStmt").get("x5c");
  if (format !== "none" && !isSelfSigned) throw new Error("No attestation was asked for");
}

/**
 * Checks everything about a sign-in that does not depend on the key, and returns the counter of the authenticator. Throws
 * `passkey_not_accepted`, and what `check` throws.
 */
export async function checkSignIn(sent: PasskeySignIn, party: RelyingParty, check: CheckChallenge): Promise<number> {
  const wellFormed = { ...sent, response: { ...sent.response, signature: SOME_SIGNATURE } };
  const { authenticationInfo } = await orNotAccepted(() => verifySignIn(wellFormed, NOBODYS_KEY, party, check));
  return authenticationInfo.newCounter;
}

/** Verifies the signature of a checked sign-in with a stored key. Without one, it takes as long, and the answer is no. */
export async function isSigned(
  sent: PasskeySignIn,
  publicKey: string | undefined,
  party: RelyingParty,
): Promise<boolean> {
  try {
    const { verified } = await verifySignIn(sent, publicKey ?? NOBODYS_KEY, party, () => Promise.resolve());
    return verified && publicKey !== undefined;
  } catch {
    return false; // The signature is of another kind than the key.
  }
}

const verifySignIn = (
  { id, type, response }: PasskeySignIn,
  publicKey: string,
  party: RelyingParty,
  check: CheckChallenge,
) =>
  verifyAuthenticationResponse({
    response: { id, rawId: id, type, response, clientExtensionResults: {} },
    ...expected(party, check),
    // Below every counter: the library would compare them before it verifies the signature. See isCopied.
    credential: { id, publicKey: fromBase64url(publicKey), counter: -1 },
  });

/** A point of P-256, the generator: a key like others, and nobody needs its other half. */
const NOBODYS_KEY =
  "pQECAyYgASFYIGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWIlggT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
/** In DER, of two ones: a signature like others. */
const SOME_SIGNATURE = "MAYCAQECAQE";

/** Whether a counter says that another copy of the passkey has signed since. Authenticators that do not count send 0. */
export const isCopied = (counter: number, stored: number): boolean => (counter > 0 || stored > 0) && counter <= stored;

async function orNotAccepted<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (error) {
    throw error instanceof Refusal ? error : notAccepted(error instanceof Error ? error.message : String(error));
  }
}

const notAccepted = (reason: string): Refusal => new Refusal("passkey_not_accepted", reason);
