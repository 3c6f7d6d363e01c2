import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { detectSystem, installAdvice } from '../src/doctor/advice.js';
import { examineMemory, examineNode } from '../src/doctor/machine.js';
import { examineEncoders, examineWebGl } from '../src/doctor/tools.js';
import { genlock } from './helpers.js';

describe('doctor', () => {
  it('knows the system and its command', () => {
    assert.equal(detectSystem('darwin', ''), 'macos');
    assert.equal(detectSystem('linux', 'PRETTY_NAME="Debian"\nID=debian\n'), 'debian');
    assert.equal(detectSystem('linux', 'ID=ubuntu\nID_LIKE=debian\n'), 'ubuntu');
    assert.equal(detectSystem('linux', 'ID=linuxmint\nID_LIKE="ubuntu debian"\n'), 'ubuntu');
    assert.equal(detectSystem('linux', 'ID=fedora\n'), 'other');
    assert.match(
      installAdvice('chromium-headless-shell', 'debian', false),
      /^sudo apt-get install -y chromium-headless-shell/,
    );
    assert.match(
      installAdvice('chromium-headless-shell', 'ubuntu', false),
      /^npx @puppeteer\/browsers install .*GENLOCK_BROWSER/,
    );
    assert.equal(installAdvice('ffmpeg', 'debian', true), 'apt-get install -y ffmpeg');
    assert.equal(installAdvice('ffmpeg', 'macos', false), 'brew install ffmpeg');
    assert.match(installAdvice('fonts-dejavu-core', 'other', false), /fonts-dejavu-core/);
  });

  it('judges what it finds', () => {
    assert.equal(examineNode('20.18.3').status, 'lacking');
    assert.equal(examineNode('20.19.0').status, 'ok');
    assert.equal(examineNode('24.1.0').status, 'ok');
    assert.equal(examineEncoders(new Set(['libx264'])).status, 'note');
    assert.equal(examineEncoders(new Set(['libx265'])).status, 'lacking');
    assert.match(examineEncoders(new Set(['libx264'])).text, /missing: .*libsvtav1 \(av1\)/);
    assert.match(examineWebGl(undefined, 'linux')[0]!.advice!, /mesa-vulkan-drivers$|mesa-vulkan-drivers\)$/);
    assert.equal(examineWebGl({ manifest: '/lvp_icd.json', stamp: '' }, 'linux')[0]!.status, 'ok');
    assert.deepEqual(examineWebGl(undefined, 'darwin'), []);
    assert.equal(examineMemory(64e9, 0).status, 'ok');
    assert.match(examineMemory(64e9, 300e6).advice!, /--concurrency 1$/);
  });

  it('exits 1 and says what to do about a lack', async () => {
    const env = { GENLOCK_BROWSER: '/no/browser', GENLOCK_FFMPEG: '/no/ffmpeg' };
    const text = await genlock(['doctor'], { env });
    assert.equal(text.code, 1);
    assert.match(text.stdout, /FAIL {2}browser +no browser at \/no\/browser/);
    assert.match(text.stdout, /-> .*(apt-get install -y ffmpeg|brew install ffmpeg)/);
    assert.match(text.stdout, /not ready: 2 problems \(browser, ffmpeg\)/);
    const json = await genlock(['doctor', '--json'], { env });
    assert.equal(json.code, 1);
    const report = JSON.parse(json.stdout);
    assert.equal(report.type, 'doctor');
    assert.equal(report.ready, false);
    assert.ok(report.findings.every((finding: { name: string; text: string }) => finding.name && finding.text));
  });
});
