/** The protocol spoken by this build. Grows when a message changes its meaning; new optional fields do not raise it. */
export const PROTOCOL_VERSION = 1;

/** The oldest agent that this build of the API still serves. */
export const OLDEST_SUPPORTED_PROTOCOL_VERSION = 1;
