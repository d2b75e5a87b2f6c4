export type { HttpServer } from './server.ts'
export { sendText, startHttpServer } from './server.ts'
