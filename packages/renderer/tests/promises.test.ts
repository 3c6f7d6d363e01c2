import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ClockPages, SAY } from './support/clockPages.js';
import { Server } from './support/server.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

/**
 * Names all that returns a promise in this context and is still the browser's own. Whatever a class promises it
 * promises as a rejection where it is called on something else; all else throws then, and does nothing.
 */
async function ownPromises(): Promise<string[]> {
  const found: string[] = [];
  // A worker has all of its features once its script reaches for this one.
  Reflect.get(globalThis, 'navigator');
  const isOwn = (run: unknown): run is (...args: unknown[]) => unknown =>
    typeof run === 'function' && /\[native code\]/.test(Function.prototype.toString.call(run));
  const look = (owner: object, name: string, self: unknown) => {
    for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      const { value, get: read } = property as { value?: unknown; get?: unknown };
      const run = value ?? read;
      // A class is looked at by itself.
      if (key === 'constructor' || !isOwn(run) || Object.hasOwn(run, 'prototype')) continue;
      try {
        const result = run.call(self);
        // It may be of another realm.
        if (Object.prototype.toString.call(result) !== '[object Promise]') continue;
        (result as Promise<unknown>).catch(() => {});
        found.push(`${name}${key}`);
      } catch {
        // It is no promise.
      }
    }
  };
  const globals = globalThis as unknown as Record<string, unknown>;
  const NOT_LOOKED_AT = new Set([
    'console',
    'Promise',
    'Function',
    'Object',
    'Array',
    'Reflect',
    'AsyncDisposableStack',
  ]);
  const chain: object[] = [];
  for (let owner: object = globalThis; owner !== Object.prototype; owner = Object.getPrototypeOf(owner) as object)
    chain.push(owner);
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const value = Object.getOwnPropertyDescriptor(globalThis, name)!.value as unknown;
    // Some classes have two names, and each frame is there by its number.
    const isAlias = name.startsWith('webkit') && name.slice('webkit'.length) in globalThis;
    if (NOT_LOOKED_AT.has(name) || /^\d/.test(name) || isAlias) continue;
    if (typeof value === 'function' && 'prototype' in value) {
      look(value, `${name}.`, {});
      const { prototype } = value as { prototype: object | undefined };
      if (prototype && !chain.includes(prototype)) look(prototype, `${name}#`, {});
    } else if (typeof value === 'object' && /^\[object (?!Object)/.test(Object.prototype.toString.call(value))) {
      if (value !== globalThis) look(value!, `${name}.`, {});
    }
  }
  const names = new Set(chain.flatMap((owner) => Object.getOwnPropertyNames(owner)));
  const own = [...names].filter((name) => typeof Object.getOwnPropertyDescriptor(globals, name)?.get !== 'function');
  look(Object.fromEntries(own.map((name) => [name, globals[name]])), '', {});
  await Promise.resolve();
  return [...new Set(found)].sort();
}

/**
 * What is left alone, by reason: docs/clock.md says the same to people. Who adds to this has asked whether it settles
 * by itself: then it belongs to what is waited for (pendingWork.ts).
 */
const LEFT_ALONE: Record<string, string> = {
  'a person has to allow or to do it, or a device is needed': `
    AudioContext#setSinkId BeforeInstallPromptEvent#prompt BeforeInstallPromptEvent#userChoice
    BrowserCaptureMediaStreamTrack#cropTo BrowserCaptureMediaStreamTrack#restrictTo
    CaptureController#decreaseZoomLevel CaptureController#forwardWheel CaptureController#increaseZoomLevel
    CaptureController#resetZoomLevel CropTarget.fromElement DataTransferItem#getAsFileSystemHandle
    Document#exitFullscreen Document#exitPictureInPicture DocumentPictureInPicture#requestWindow
    Element#requestFullscreen Element#requestPointerLock EyeDropper#open FileSystemHandle#requestPermission
    FontData#blob GamepadHapticActuator#playEffect GamepadHapticActuator#reset HID#requestDevice HIDDevice#close
    HIDDevice#forget HIDDevice#open HIDDevice#receiveFeatureReport HIDDevice#sendFeatureReport HIDDevice#sendReport
    HTMLMediaElement#setSinkId HTMLVideoElement#requestPictureInPicture IdentityCredential.disconnect
    IdentityProvider.getUserInfo IdentityProvider.resolve ImageCapture#getPhotoCapabilities
    ImageCapture#getPhotoSettings ImageCapture#grabFrame ImageCapture#takePhoto Ink#requestPresenter Keyboard#lock
    MIDIPort#close MIDIPort#open Navigator#clearAppBadge Navigator#setAppBadge NavigatorLogin#setStatus
    PaymentManager#enableDelegations PaymentRequest#abort PaymentRequest#show PaymentResponse#complete
    PaymentResponse#retry PresentationReceiver#connectionList PresentationRequest#getAvailability
    PresentationRequest#reconnect PresentationRequest#start PublicKeyCredential.signalAllAcceptedCredentials
    PublicKeyCredential.signalCurrentUserDetails PublicKeyCredential.signalUnknownCredential
    RemotePlayback#cancelWatchAvailability RemotePlayback#prompt RemotePlayback#watchAvailability
    RestrictionTarget.fromElement Serial#requestPort SerialPort#close SerialPort#forget SerialPort#getSignals
    SerialPort#open SerialPort#setSignals ServiceWorkerRegistration#showNotification USB#requestDevice
    USBDevice#claimInterface USBDevice#clearHalt USBDevice#close USBDevice#controlTransferIn
    USBDevice#controlTransferOut USBDevice#forget USBDevice#isochronousTransferIn USBDevice#isochronousTransferOut
    USBDevice#open USBDevice#releaseInterface USBDevice#reset USBDevice#selectAlternateInterface
    USBDevice#selectConfiguration USBDevice#transferIn USBDevice#transferOut WakeLockSentinel#release
    WebGL2RenderingContext#makeXRCompatible WebGLRenderingContext#makeXRCompatible XRFrame#createAnchor
    XRHitTestResult#createAnchor XRSession#end XRSession#initiateRoomCapture XRSession#requestHitTestSource
    XRSession#requestHitTestSourceForTransientInput XRSession#requestLightProbe XRSession#requestReferenceSpace
    XRSystem#requestSession getScreenDetails queryLocalFonts showDirectoryPicker showOpenFilePicker
    showSaveFilePicker`,
  'somebody else decides when it comes': `
    MediaStreamTrack#applyConstraints RTCPeerConnection#addIceCandidate RTCPeerConnection#getStats
    RTCRtpReceiver#getStats RTCRtpScriptTransformer#sendKeyFrameRequest RTCRtpSender#getStats
    RTCRtpSender#replaceTrack RTCRtpSender#setParameters WebSocketStream#closed WebSocketStream#opened
    WebTransport#closed WebTransport#createBidirectionalStream WebTransport#createUnidirectionalStream
    WebTransport#ready`,
  'the page itself, or nobody, settles it': `
    ClipboardItem#getType CustomElementRegistry#whenDefined FileSystemObserver#observe GPUDevice#lost
    MediaKeySession#closed NavigationTransition#committed NavigationTransition#finished Observable#every
    Observable#find Observable#first Observable#forEach Observable#last Observable#reduce Observable#some
    Observable#toArray OfflineAudioContext#resume OfflineAudioContext#suspend ReadableStream#cancel
    ReadableStreamBYOBReader#cancel ReadableStreamBYOBReader#closed ReadableStreamDefaultReader#cancel
    ReadableStreamDefaultReader#closed WritableStreamDefaultWriter#closed WritableStreamDefaultWriter#ready`,
  'the clock settles it, or waits for what does': `
    Animation#finished Animation#ready FontFace#loaded FontFaceSet#ready ViewTransition#finished
    ViewTransition#ready ViewTransition#updateCallbackDone`,
  'of no use in this browser: models, background work, push, advertisements, measurements of the machine': `
    BackgroundFetchManager#fetch BackgroundFetchManager#get BackgroundFetchManager#getIds
    BackgroundFetchRecord#responseReady BackgroundFetchRegistration#abort BackgroundFetchRegistration#match
    BackgroundFetchRegistration#matchAll CookieStoreManager#getSubscriptions CookieStoreManager#subscribe
    CookieStoreManager#unsubscribe CrashReportContext#initialize Document#browsingTopics LanguageDetector#detect
    LanguageDetector#measureInputUsage LanguageDetector.availability LanguageDetector.create LanguageModel#append
    LanguageModel#clone LanguageModel#measureContextUsage LanguageModel#prompt LanguageModel.availability
    LanguageModel.create Navigator#clearOriginJoinedAdInterestGroups Navigator#createAuctionNonce
    Navigator#deprecatedReplaceInURN Navigator#deprecatedURNToURL Navigator#getInterestGroupAdAuctionData
    Navigator#joinAdInterestGroup Navigator#leaveAdInterestGroup Navigator#runAdAuction
    NavigatorManagedData#getManagedConfiguration PeriodicSyncManager#getTags PeriodicSyncManager#register
    PeriodicSyncManager#unregister PressureObserver#observe Profiler#stop PushManager#getSubscription
    PushManager#permissionState PushManager#subscribe PushSubscription#unsubscribe SpeechRecognition.available
    SpeechRecognition.install Summarizer#measureInputUsage Summarizer#summarize Summarizer.availability
    Summarizer.create SyncManager#getTags SyncManager#register Translator#measureInputUsage Translator#translate
    Translator.availability Translator.create`,
};

describe('whatever the browser promises', () => {
  it('is waited for, or is left alone for a reason', async () => {
    const call = `(${ownPromises.toString()})()`;
    const helper = 'globalThis.__name = (value) => value;';
    await using server = await Server.serve({
      'index.html': `<!doctype html><body><iframe src="frame.html"></iframe><script>${SAY} ${helper}
        const worker = new Worker('worker.js');
        worker.onmessage = ({ data }) => say('worker', data);
        onmessage = ({ data }) => say('frame', data);
        ${call}.then((names) => say('page', names));
      </script>`,
      'frame.html': `<script>${helper} ${call}.then((names) => parent.postMessage(names, '*'));</script>`,
      'worker.js': `${helper} ${call}.then((names) => postMessage(names));`,
    });
    const told = await pages.render(server.url('index.html'), { frameCount: 1 });
    assert.deepEqual(told.map(([where]) => where).sort(), ['frame', 'page', 'worker']);
    const decided = new Set(Object.values(LEFT_ALONE).flatMap((names) => names.trim().split(/\s+/)));
    for (const [where, names] of told as [string, string[]][]) {
      assert.ok(names.includes('GPUDevice#lost'), `the ${where} was looked at`);
      const undecided = names.filter((name) => !decided.has(name));
      assert.deepEqual(undecided, [], `in a ${where}: to be waited for (pendingWork.ts), or left alone for a reason`);
    }
  });
});
