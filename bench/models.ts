/** Every model name that a row asks for; the upstream reads how to answer from its words. */
export const models = {
  whole: 'bench-whole',
  backToBack: 'bench-frames400-gap0',
  gapped: 'bench-frames100-gap5',
  stamped: 'bench-frames20-gap10-stamp',
  slow: 'bench-frames20-gap1000',
  slowQuick: 'bench-frames20-gap200',
} as const
