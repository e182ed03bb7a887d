import { register } from "./typescript-api.mjs";

register();
