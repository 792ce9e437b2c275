/** Limits and close codes of the live socket, for both ends. Not with the schemas, to spare browsers their library. */

/** Minimum time between two frames of one topic to a socket, in ms. */
export const FRAME_DELAY = 250;
/** The most posts that a socket watches at a time. */
export const POSTS_WATCHED_MAX = 20;
/** Maximum length of a client's message, in characters. */
export const COMMAND_LENGTH_MAX = 4096;

// Our own WebSocket close codes: 4000 to 4999 are free for applications.
/** The message is not a valid command, or the socket would watch too many posts. */
export const BAD_COMMAND = 4400;
/** The session has ended or expired. */
export const SESSION_OVER = 4401;
/** A newer socket exceeded the limit, so this one was closed. The client must not reopen it at once. */
export const TOO_MANY_SOCKETS = 4409;
/** The client sends more commands than a client needs. */
export const TOO_MANY_COMMANDS = 4429;
// Standard close codes: normal closure, and a message larger than accepted.
export const NORMAL = 1000;
export const TOO_LARGE = 1009;
