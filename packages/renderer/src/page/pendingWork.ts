import type { Control } from './control.js';

/**
 * Work that the browser does in real time takes no virtual time: the clock waits for responses from the network,
 * decoded images, loaded fonts, compiled code, stored data and everything else that settles by itself. Whatever waits
 * for a person, another party or the page is not in these lists; docs/clock.md says why.
 */
export function installPendingWork(control: Control): void {
  type Methods = Record<string, ((...args: unknown[]) => Promise<unknown>) | undefined>;
  const globals = globalThis as unknown as Record<string, { prototype: object } | undefined>;

  /** Methods of classes whose promises settle by themselves. */
  const METHODS: Record<string, string> = {
    AudioDecoder: 'flush',
    AudioEncoder: 'flush',
    Blob: 'arrayBuffer bytes text',
    Cache: 'add addAll delete keys match matchAll put',
    CacheStorage: 'delete has keys match open',
    CookieStore: 'delete get getAll set',
    CSSStyleSheet: 'replace',
    Document: 'hasPrivateToken hasRedemptionRecord hasStorageAccess hasUnpartitionedCookieAccess',
    FileSystemDirectoryHandle: 'getDirectoryHandle getFileHandle removeEntry resolve',
    FileSystemFileHandle: 'createSyncAccessHandle createWritable getFile move',
    FileSystemHandle: 'isSameEntry queryPermission remove',
    FileSystemWritableFileStream: 'seek truncate write',
    FontFace: 'load',
    FontFaceSet: 'load',
    GPU: 'requestAdapter',
    GPUAdapter: 'requestDevice',
    GPUBuffer: 'mapAsync',
    GPUDevice: 'createComputePipelineAsync createRenderPipelineAsync popErrorScope',
    GPUQueue: 'onSubmittedWorkDone',
    GPUShaderModule: 'getCompilationInfo',
    HTMLImageElement: 'decode',
    HTMLMediaElement: 'setMediaKeys',
    IDBFactory: 'databases',
    Keyboard: 'getLayoutMap',
    LockManager: 'query',
    MediaCapabilities: 'decodingInfo encodingInfo',
    MediaDevices: 'enumerateDevices',
    MediaKeySession: 'close generateRequest load remove update',
    MediaKeySystemAccess: 'createMediaKeys',
    MediaKeys: 'getStatusForPolicy setServerCertificate',
    NavigationPreloadManager: 'disable enable getState setHeaderValue',
    Navigator: 'getBattery getInstalledRelatedApps requestMediaKeySystemAccess',
    NavigatorUAData: 'getHighEntropyValues',
    OffscreenCanvas: 'convertToBlob',
    Permissions: 'query',
    ServiceWorkerContainer: 'getRegistration getRegistrations register',
    ServiceWorkerRegistration: 'getNotifications unregister update',
    StorageBucket: 'estimate expires getDirectory persisted setExpires',
    StorageBucketManager: 'delete keys open',
    StorageManager: 'estimate getDirectory persisted',
    SVGImageElement: 'decode',
    SubtleCrypto:
      'decapsulateBits decapsulateKey decrypt deriveBits deriveKey digest encapsulateBits encapsulateKey encrypt ' +
      'exportKey generateKey getPublicKey importKey sign unwrapKey verify wrapKey',
    VideoDecoder: 'flush',
    VideoEncoder: 'flush',
    VideoFrame: 'copyTo',
    XRSystem: 'isSessionSupported',
  };
  /** Methods that ask a person or need a device. Here they are rejected, mostly at once. */
  const ASKING_METHODS: Record<string, string> = {
    Clipboard: 'read readText write writeText',
    CredentialsContainer: 'create get preventSilentAccess store',
    Document: 'requestStorageAccess',
    HID: 'getDevices',
    IdleDetector: 'start',
    MediaDevices: 'getDisplayMedia getUserMedia',
    Navigator: 'requestMIDIAccess share',
    PaymentRequest: 'canMakePayment hasEnrolledInstrument',
    RTCPeerConnection: 'createAnswer createOffer setLocalDescription setRemoteDescription',
    ScreenOrientation: 'lock',
    Serial: 'getPorts',
    StorageBucket: 'persist',
    StorageManager: 'persist',
    USB: 'getDevices',
    WakeLock: 'request',
  };
  const ASKING_STATIC_METHODS: Record<string, string> = {
    Credential: 'isConditionalMediationAvailable',
    DeviceMotionEvent: 'requestPermission',
    DeviceOrientationEvent: 'requestPermission',
    IdleDetector: 'requestPermission',
    Notification: 'requestPermission',
    PaymentRequest: 'getSecurePaymentConfirmationCapabilities securePaymentConfirmationAvailability',
    PublicKeyCredential:
      'getClientCapabilities isConditionalMediationAvailable isUserVerifyingPlatformAuthenticatorAvailable',
  };
  /** How long the clock waits for these, in milliseconds. */
  const PATIENCE_MS = 3000;
  const STATIC_METHODS: Record<string, string> = {
    AudioDecoder: 'isConfigSupported',
    AudioEncoder: 'isConfigSupported',
    ImageDecoder: 'isTypeSupported',
    RTCPeerConnection: 'generateCertificate',
    VideoDecoder: 'isConfigSupported',
    VideoEncoder: 'isConfigSupported',
    WebAssembly: 'compile compileStreaming instantiate instantiateStreaming',
  };

  /** Makes every call of an asynchronous method count as pending until its promise settles. */
  function trackMethods(owner: object, names: string, isAsking = false): void {
    const methods = owner as Methods;
    for (const name of names.split(' ')) {
      const real = methods[name];
      if (typeof real !== 'function') continue;
      methods[name] = function (this: unknown, ...args: unknown[]) {
        return control.track(real.apply(this, args), `${name}()`, isAsking ? PATIENCE_MS : undefined);
      };
    }
  }

  const done = new Set<string>();
  /** Tracks the methods of every class that this context has by now. */
  function trackAll(): void {
    for (const [lists, isStatic, isAsking] of [
      [METHODS, false, false],
      [ASKING_METHODS, false, true],
      [STATIC_METHODS, true, false],
      [ASKING_STATIC_METHODS, true, true],
    ] as const) {
      for (const [name, names] of Object.entries(lists)) {
        const owner = isStatic ? globals[name] : globals[name]?.prototype;
        const key = `${name} ${isStatic} ${names}`;
        if (!owner || done.has(key)) continue;
        done.add(key);
        trackMethods(owner, names, isAsking);
      }
    }
  }
  trackMethods(globalThis, 'fetch createImageBitmap');
  trackAll();
  control.whenComplete(trackAll);

  control.trackEvents = (target, ...types) => {
    const fired = new Promise<void>((resolve) => {
      for (const type of types) target.addEventListener(type, () => resolve(), { once: true });
    });
    control.hold(fired);
    return fired;
  };

  if (typeof XMLHttpRequest !== 'undefined') {
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
      void control.trackEvents(this, 'loadend');
      send.call(this, body);
    };
  }

  if (typeof FileReader !== 'undefined') {
    for (const name of ['readAsArrayBuffer', 'readAsBinaryString', 'readAsDataURL', 'readAsText'] as const) {
      const read = FileReader.prototype[name];
      FileReader.prototype[name] = function (this: FileReader, ...args: [Blob]) {
        read.apply(this, args);
        void control.trackEvents(this, 'loadend');
      };
    }
  }

  if (typeof HTMLCanvasElement !== 'undefined') {
    const toBlob = HTMLCanvasElement.prototype.toBlob;
    HTMLCanvasElement.prototype.toBlob = function (callback, ...format) {
      let done = () => {};
      control.hold(new Promise<void>((resolve) => (done = resolve)));
      const called = (blob: Blob | null) => {
        done();
        callback(blob);
      };
      try {
        toBlob.call(this, called, ...format);
      } catch (error) {
        done();
        throw error;
      }
    };
  }
}
