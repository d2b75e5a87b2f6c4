/** For tests: ends the process by SIGKILL at the named step; without a name it does nothing. */
export function createCrashPoint(crashAt: string | undefined): (step: string) => void {
  if (crashAt === undefined) return () => undefined
  return step => {
    if (step === crashAt) process.kill(process.pid, 'SIGKILL')
  }
}
