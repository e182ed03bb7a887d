/** Who signs tokens, as registries are told. */
export const TOKEN_ISSUER = "tokens";
