export const height = (n) => 70 + 60 * Math.sin(n / 5);
