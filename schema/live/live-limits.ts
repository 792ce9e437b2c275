/** What the live socket keeps to, on both of its ends. Apart from the schemas, whose library a browser need not load. */

/** The least time between two frames of a topic to a socket, in ms. */
export const FRAME_DELAY = 250;
/** Posts that a socket watches at a time. */
export const POSTS_WATCHED_MAX = 20;
/** Characters of a client's message. */
export const COMMAND_LENGTH_MAX = 4096;

/** WebSocket close codes of ours (4000 to 4999 are free for applications). */
export const BAD_COMMAND = 4400;
/** The session has ended or is older than sessions get. */
export const SESSION_OVER = 4401;
/** Another one was opened, and there were as many as may be. Not to be opened again at once. */
export const TOO_MANY_SOCKETS = 4409;
/** Says more than anybody needs to. */
export const TOO_MANY_COMMANDS = 4429;
/** Of the standard: all is well, and the message is larger than accepted. */
export const NORMAL = 1000;
export const TOO_LARGE = 1009;
