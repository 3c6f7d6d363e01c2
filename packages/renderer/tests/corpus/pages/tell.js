tell(`#${document.currentScript.src.split('?')[1]}`);
