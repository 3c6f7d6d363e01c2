/** Encodes a picture with a bar of 10 pixels for each number so far, and decodes what comes. */
function makeCoder(show) {
  const canvas = new OffscreenCanvas(320, 80);
  const context = canvas.getContext('2d');
  const config = { codec: 'vp8', codedWidth: 320, codedHeight: 80 };
  const decoder = new VideoDecoder({ output: show, error: reportError });
  decoder.configure(config);
  const encoder = new VideoEncoder({ output: (chunk) => decoder.decode(chunk), error: reportError });
  encoder.configure({ codec: 'vp8', width: 320, height: 80, bitrate: 1e6, latencyMode: 'realtime' });
  return (number) => {
    context.fillStyle = '#000';
    context.fillRect(0, 0, 320, 80);
    context.fillStyle = '#fff';
    context.fillRect(0, 0, 10 * (number + 1), 80);
    const picture = new VideoFrame(canvas, { timestamp: number * 33_333 });
    encoder.encode(picture, { keyFrame: number % 8 === 0 });
    picture.close();
  };
}

if (typeof document === 'undefined') {
  const code = makeCoder(async (picture) => {
    const bitmap = await createImageBitmap(picture);
    picture.close();
    postMessage(bitmap, [bitmap]);
  });
  onmessage = ({ data }) => code(data);
}
