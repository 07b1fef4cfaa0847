// SPDX-License-Identifier: Apache-2.0
// What a mouse sees as a title, a tap shows below; a link to an entry opens it. The page works without this.
'use strict';
(function () {
	const tip = document.getElementById('tip');

	function words(node) {
		for (let n = node; n && n !== document.body; n = n.parentNode) {
			const title = n.querySelector && n.namespaceURI === 'http://www.w3.org/2000/svg' ?
				n.querySelector(':scope > title') : null;
			if (title)
				return title.textContent;
			if (n.getAttribute && n.getAttribute('title'))
				return n.getAttribute('title');
		}
		return '';
	}

	function open() {
		const entry = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
		for (let n = entry; n && n !== document.body; n = n.parentNode) {
			if (n.tagName === 'DETAILS')
				n.open = true;
		}
		if (entry)
			entry.scrollIntoView();
	}

	document.addEventListener('click', function (event) {
		const text = words(event.target);
		tip.textContent = text;
		tip.hidden = text === '';
	});
	document.addEventListener('keydown', function (event) {
		if (event.key === 'Escape')
			tip.hidden = true;
	});
	addEventListener('hashchange', open);
	open();
})();
