export const width = (frame) => (frame + 1) * 8;
